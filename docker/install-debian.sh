#!/usr/bin/env bash
# Install the Debian packages that are missing. Arguments: further packages as NAME:PROGRAM (make test adds chromium).
# As root, or with sudo without a password; otherwise say what is missing and stop.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

is_there() { # a path, a program, a library of any architecture's folder, or the marker "ensurepip"
  case $1 in
    lib:*) PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -F "${1#lib:} " >/dev/null ;;
    ensurepip) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

missing=()
while read -r name sign; do
  is_there "$sign" || missing+=("$name")
done < <(grep -v '^#' "$here/debian-packages.txt"; for extra in "$@"; do echo "${extra%%:*} ${extra#*:}"; done)

[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=()
elif sudo -n true 2>/dev/null; then
  as_root=(sudo -n)
else
  echo "Thiếu gói Debian: ${missing[*]}. Không có quyền root; hãy nhờ quản trị viên chạy:" >&2
  echo "Debian packages are missing: ${missing[*]}. Without root, ask an administrator to run:" >&2
  echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

echo "→ cài gói Debian / installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# no system cluster: the service runs its own, on a unix socket
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  "${as_root[@]}" mkdir -p /etc/postgresql-common
  echo "create_main_cluster = false" | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}"
