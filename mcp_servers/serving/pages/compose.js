"use strict";
// What is typed here stays in this origin; the page around gets masked text only.
const form = document.getElementById("compose");
const words = document.getElementById("words");
const told = document.getElementById("told");

async function send(event) {
  event.preventDefault();
  told.textContent = "";
  try {
    const answer = await fetch("/compose/mask", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Tierwise-CSRF": form.dataset.csrf },
      body: JSON.stringify({ text: words.value }),
    });
    if (answer.status === 401) { location.reload(); return; }
    const masked = await answer.json();
    if (!answer.ok) { told.textContent = masked.message; return; }
    const message = { type: "tierwise/words", text: masked.text, form: masked.form };
    // A browser delivers to the parent only where its origin is the one named.
    for (const parent of form.dataset.parents.split(" ")) window.parent.postMessage(message, parent);
    words.value = "";
    told.textContent = "sent: " + masked.text;
  } catch {
    told.textContent = "the site does not answer; nothing was sent";
  }
}

form.addEventListener("submit", send);
words.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) form.requestSubmit();
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) event.preventDefault();
});
