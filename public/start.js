// Starts what a page needs in the browser: tells the server the time zone for the next page, keeps forms from being
// sent twice, warns before typed text is lost, and wakes the islands. Pages work without it; a page without islands
// loads no WASM.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) {
  const [bound, secure] = location.protocol === "https:" ? ["__Host-", "; Secure"] : ["", ""];
  const value = `${bound}ferry_time_zone=${encodeURIComponent(zone)}`;
  document.cookie = `${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

// A form that has been sent is not sent a second time by an impatient second click.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const method = event.submitter?.formMethod || form.method;
  if (event.defaultPrevented || method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
});
// Coming back with the browser's button shows the page as it was: its forms may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});

// A form that asks for it warns before the page is left with unsaved changes.
for (const form of document.querySelectorAll("form[data-guard]")) {
  let changed = form.dataset.guard === "changed";
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", () => (changed = false));
  window.addEventListener("beforeunload", (event) => changed && event.preventDefault());
}

// Texts to pass on can be copied.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.done;
  });
}

// What went wrong is read first.
document.querySelector("[data-focus]")?.focus();

const islands = document.querySelectorAll("leptos-island");
if (islands.length > 0) {
  const module = await import("/pkg/ferry.js");
  await module.default({ module_or_path: "/pkg/ferry.wasm" });
  module.hydrate();
  for (const island of islands) module[island.dataset.component]?.(island);
}
