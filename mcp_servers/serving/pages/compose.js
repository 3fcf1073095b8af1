"use strict";
// What is typed here stays in this origin; the page around gets masked text only, and is not
// listened to: nothing it says or sends changes what happens here.
const form = document.getElementById("compose");
const words = document.getElementById("words");
const told = document.getElementById("told");
const sandboxed = self.origin === "null";

// A browser delivers to the parent only where its origin is the one named.
function hand(message) {
  const above = location.ancestorOrigins ? location.ancestorOrigins[0] : undefined;
  for (const parent of form.dataset.parents.split(" ")) {
    if (above === undefined || above === parent) window.parent.postMessage(message, parent);
  }
}

async function send(event) {
  event.preventDefault();
  if (sandboxed) { told.textContent = "this page is held in a sandbox; nothing was sent"; return; }
  told.textContent = "replacing identifiers …";
  try {
    const answer = await fetch("/compose/mask", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Tierwise-CSRF": form.dataset.csrf },
      body: JSON.stringify({ text: words.value }),
    });
    if (answer.status === 401) { location.reload(); return; }
    const masked = await answer.json();
    if (!answer.ok) { told.textContent = masked.message; return; }
    hand({ type: "tierwise/words", text: masked.text, form: masked.form });
    words.value = "";
    const count = Object.values(masked.masked).reduce((sum, number) => sum + number, 0);
    told.textContent = count ? "sent as: " + masked.text : "sent";
  } catch {
    told.textContent = "the site does not answer; nothing was sent";
  }
}

form.addEventListener("submit", send);
words.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
// Text that is dragged, and keys pressed after the focus was taken away, reach the page around.
document.addEventListener("dragstart", (event) => event.preventDefault());
window.addEventListener("blur", () => {
  if (words.value) told.textContent = "this field lost the focus: what you type now goes elsewhere";
});
words.addEventListener("focus", () => { told.textContent = ""; });
