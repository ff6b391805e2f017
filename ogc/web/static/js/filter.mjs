// An empty field of a filter is no condition: it must not be sent.
const form = document.getElementById("filter");
form?.addEventListener("submit", () => {
  for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
});
// coming back to the page must not find them locked
addEventListener("pageshow", () => form?.querySelectorAll("[disabled]").forEach((field) => (field.disabled = false)));
