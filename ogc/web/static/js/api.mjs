// The browser of the interface: the service's own description, nothing of another host, no check by others.
import { language } from "./page.mjs";

/** Words of the browser; it has no other language of its own. */
const VI = {
  "Authorize": "Đăng nhập bằng mã", "Available authorizations": "Cách đăng nhập", "Cancel": "Thôi", "Clear": "Xóa",
  "Close": "Đóng", "Code": "Mã", "Description": "Mô tả", "Details": "Chi tiết", "Download": "Tải về",
  "Example Value": "Ví dụ", "Execute": "Gửi yêu cầu", "Headers": "Đầu trả lời", "Links": "Liên kết",
  "Loading...": "Đang tải…", "Logout": "Thoát", "Media type": "Dạng", "Model": "Cấu trúc", "Name": "Tên",
  "No links": "Không có liên kết", "No parameters": "Không có tham số", "Parameters": "Tham số",
  "Request URL": "Địa chỉ yêu cầu", "Request body": "Nội dung gửi", "Request duration": "Thời gian",
  "Reset": "Đặt lại", "Response body": "Nội dung trả lời", "Response headers": "Đầu trả lời", "Responses": "Trả lời",
  "Schema": "Lược đồ", "Schemas": "Các lược đồ", "Server response": "Trả lời của máy chủ", "Servers": "Máy chủ",
  "Send empty value": "Gửi giá trị rỗng", "Try it out": "Thử", "Undocumented": "Không có trong mô tả",
  "Value:": "Giá trị:", "Curl": "curl", "required": "bắt buộc", "Filter by tag": "Lọc theo nhóm", "Filter by tag or path": "Lọc theo nhóm hoặc địa chỉ",
};

const place = document.getElementById("api-browser");
window.SwaggerUIBundle({
  url: place.dataset.url,
  domNode: place,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  filter: true,
  plugins: [() => ({ wrapComponents: { InfoContainer: () => () => null } })], // the page has its own heading
  requestInterceptor: (request) => {
    request.headers["accept-language"] ??= language;
    return request;
  },
  onComplete: () => (place.dataset.state = "ready"),
});
if (language === "vi") translate(place);

/** Every text that is one of the known words, now and whenever the browser draws. */
function translate(root) {
  const said = (node) => {
    const word = VI[node.nodeValue.trim()];
    if (word) node.nodeValue = node.nodeValue.replace(node.nodeValue.trim(), word);
  };
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return said(node);
    if (node.placeholder in VI) node.placeholder = VI[node.placeholder];
    node.childNodes.forEach(visit);
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "characterData") said(change.target);
      change.addedNodes.forEach(visit);
    }
  }).observe(root, { childList: true, subtree: true, characterData: true });
}
