// Words about a cause: from the site's own frame, masked there, or from our own field.
"use strict";
(() => {
  const LONGEST = 4000;
  window.addEventListener("message", (event) => {
    const frame = document.getElementById("cause-words");
    if (!frame || event.source !== frame.contentWindow) return;
    if (event.origin !== new URL(frame.src).origin) return;
    const said = event.data;
    if (said?.type !== "tierwise/words" || typeof said.text !== "string") return;
    if (said.text.length > LONGEST) return;
    emitEvent("tierwise-cause", { words: said.text, framed: true });
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "own-cause") return;
    event.preventDefault();
    const field = event.target.querySelector("textarea");
    if (field.value.trim()) emitEvent("tierwise-cause", { words: field.value, framed: false });
  });
})();
