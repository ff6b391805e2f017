// A button beside each text that is to be used elsewhere.
import { t } from "./page.mjs";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // an address without TLS has none: the text can still be marked
  const text = button.closest(".snippet").querySelector("code").textContent;
  const said = button.firstChild;
  const usual = said.nodeValue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    said.nodeValue = t("copied");
    setTimeout(() => (said.nodeValue = usual), 2000);
  });
}
