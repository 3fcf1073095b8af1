// The chat's part of the browser: words from the site's frame or our own field, pseudonyms as
// chips that open the site's page, and a clock for what is running. No original passes here: the
// frames are of the sites' own origins, and what they show this page cannot read.
"use strict";
window.tierwiseChat = (() => {
  const LONGEST = 4000;
  // Where a chip cannot stand: in one, in another control, in a drawing.
  const NOT_IN = ".pseudonym, button, a, summary, svg, textarea, select";
  const SPEAKS = ".speaks, .incident, .incident-head";
  const chat = () => document.querySelector(".chat");
  const field = () => document.querySelector("#own-words textarea");
  let typed = "";

  // ------------------------------------------------------------------ words
  window.addEventListener("message", (event) => {
    const frame = document.getElementById("site-words");
    if (!frame || event.source !== frame.contentWindow) return;
    if (event.origin !== new URL(frame.src).origin) return;
    const said = event.data;
    if (said?.type !== "tierwise/words" || typeof said.text !== "string") return;
    if (said.text.length > LONGEST) return;
    emitEvent("tierwise-said", { words: said.text, framed: true });
  });

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "own-words") return;
    event.preventDefault();
    if (!field().value.trim()) return;
    typed = field().value;
    field().value = "";
    emitEvent("tierwise-said", { words: typed, framed: false });
  });
  document.addEventListener("keydown", (event) => {
    if (event.target !== field() || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });

  // ------------------------------------------------------------- pseudonyms
  // The shape is that of telecom/identifiers/tokens.py: each part has at least one digit.
  function chips(root) {
    const { site, kinds } = chat()?.dataset ?? {};
    if (!site || !kinds) return;
    const token = new RegExp(`\\b(?:(?!IP_)(?:${kinds})_[a-z2-7]{12}|IP_[a-z2-7]{8}_[a-z2-7]{12})\\b`);
    const isToken = (text) => text.split("_").slice(1).every((part) => /[2-7]/.test(part));
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.data.includes("_") && !node.parentElement.closest(NOT_IN)) found.push(node);
    }
    for (let node of found) {
      for (let hit; (hit = token.exec(node.data)); ) {
        const rest = node.splitText(hit.index + hit[0].length);
        if (isToken(hit[0])) {
          node.splitText(hit.index).replaceWith(chip(hit[0]));
        }
        node = rest;
      }
    }
  }

  function chip(pseudonym) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "pseudonym";
    button.textContent = pseudonym;
    button.title = "What it stands for, at the site";
    button.addEventListener("click", () => reveal(pseudonym));
    return button;
  }

  function reveal(pseudonym) {
    const dialog = document.createElement("dialog");
    dialog.className = "reveal";
    dialog.setAttribute("aria-label", `What ${pseudonym} stands for, at the site`);
    const frame = document.createElement("iframe");
    frame.title = "The site's own page; the console cannot read it";
    frame.referrerPolicy = "no-referrer";
    frame.setAttribute("sandbox", document.getElementById("site-words").getAttribute("sandbox"));
    frame.src = `${chat().dataset.site}/reveal/frame?pseudonym=${encodeURIComponent(pseudonym)}`;
    const row = document.createElement("div");
    row.className = "row";
    const says = document.createElement("span");
    says.className = "dim small";
    says.textContent = "Shown by the site itself. The console cannot read it.";
    const close = document.createElement("button");
    close.className = "quiet";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    row.append(says, close);
    dialog.append(frame, row);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  function settle() {
    for (const element of document.querySelectorAll(SPEAKS)) chips(element);
  }
  let pending = false;
  new MutationObserver(() => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; settle(); });
  }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-site"] });

  // ------------------------------------------------------------------ clock
  setInterval(() => {
    for (const element of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(element.dataset.since)));
      element.textContent = `looking, ${seconds} s`;
    }
  }, 1000);

  return {
    accepted() { typed = ""; this.toEnd(); },
    refused() { if (field() && typed) field().value = typed; },
    copied() {
      const note = document.querySelector(".chat [role=alert]");
      if (note) { note.textContent = "Copied."; setTimeout(() => { note.textContent = ""; }, 2000); }
    },
    toEnd() {
      requestAnimationFrame(() => {
        const last = document.querySelector(".now article") ?? document.querySelector(".turns article:last-child");
        last?.scrollIntoView({ block: "nearest" });
      });
    },
  };
})();
