// Keys and looks of the console. Everything that has data-key is found and pressed by its key;
// nothing that is typed leaves the browser here.
"use strict";
(() => {
  const typing = (target) =>
    target.closest("input, textarea, select, [contenteditable=true], [role=combobox]");
  const shown = (element) => element.getClientRects().length > 0;
  const keyed = (key) =>
    [...document.querySelectorAll("[data-key]")].find(
      (e) => e.dataset.key === key && shown(e) && !e.closest("[data-row]"));
  let first = "";

  function look() {
    const dark = !document.body.classList.contains("body--dark");
    document.cookie = `tierwise_look=${dark ? "dark" : "light"};path=/;SameSite=Strict;max-age=31536000`;
    Quasar.Dark.set(dark);
    document.dispatchEvent(new CustomEvent("tierwise:look", { detail: { dark } }));
  }

  function help() {
    let dialog = document.getElementById("keys");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "keys";
      dialog.setAttribute("aria-label", "Keys");
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
      document.body.append(dialog);
    }
    const rows = new Map([["j / k", "Next and previous row"], ["Enter", "Open the row"], ["Esc", "Close"]]);
    for (const element of document.querySelectorAll("[data-key]")) {
      const says = element.getAttribute("aria-label") || element.title || element.textContent.trim();
      if (shown(element) && !rows.has(element.dataset.key)) rows.set(element.dataset.key, says);
    }
    const table = document.createElement("table");
    for (const [key, says] of rows) {
      const row = table.insertRow();
      const name = document.createElement("kbd");
      name.textContent = key;
      row.insertCell().append(name);
      row.insertCell().textContent = says;
    }
    const title = document.createElement("h2");
    title.textContent = "Keys";
    dialog.replaceChildren(title, table);
    dialog.showModal();
  }

  function step(by) {
    const rows = [...document.querySelectorAll("[data-row]")].filter(shown);
    if (!rows.length) return;
    const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  const remembered = () => `filter ${location.pathname}`;
  const filters = () => document.querySelectorAll("[data-filter], [data-filter-by]");

  function filter() {
    const wanted = (document.querySelector("[data-filter]")?.value || "").toLowerCase().split(/\s+/);
    const chosen = [...document.querySelectorAll("[data-filter-by]")].filter((e) => e.value);
    for (const row of document.querySelectorAll("[data-rows] [data-row]")) {
      const text = row.textContent.toLowerCase();
      const fits = wanted.every((word) => text.includes(word)) &&
        chosen.every((e) => (row.dataset[e.dataset.filterBy] || "").split(" ").includes(e.value));
      if (row.hidden === fits) row.hidden = !fits;
    }
  }

  function remember() {
    sessionStorage.setItem(remembered(), JSON.stringify([...filters()].map((e) => e.value)));
    filter();
  }

  new MutationObserver(() => {
    const all = filters();
    if (!all.length) return;
    if (!all[0].dataset.ready) {
      all[0].dataset.ready = "yes";
      const values = JSON.parse(sessionStorage.getItem(remembered()) || "[]");
      all.forEach((e, number) => { if (values[number]) e.value = values[number]; });
    }
    filter();
  }).observe(document, { childList: true, subtree: true, characterData: true });
  document.addEventListener("input", (e) => e.target.matches?.("[data-filter]") && remember());
  document.addEventListener("change", (e) => e.target.matches?.("[data-filter-by]") && remember());

  const does = { look, keys: help };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-does]");
    if (button) does[button.dataset.does]?.();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open], .q-dialog")) return;
    const row = document.activeElement?.closest("[data-row]");
    const pressed = first ? `${first} ${event.key}` : event.key;
    first = "";
    const target = row?.querySelector(`[data-key="${CSS.escape(pressed)}"]`) || keyed(pressed);
    if (target) {
      event.preventDefault();
      target.matches("input, textarea") ? target.focus() : target.click();
    } else if (event.key === "j" || event.key === "k") {
      step(event.key === "j" ? 1 : -1);
    } else if (event.key === "Enter" && row === document.activeElement) {
      row.querySelector("a")?.click();
    } else if (event.key === "g") {
      first = "g";
    }
  });
})();
