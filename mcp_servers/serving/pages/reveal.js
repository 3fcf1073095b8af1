"use strict";
// In a frame the original is to be seen here and nowhere else: it can be neither dragged out nor,
// where the browser can tell, asked for by a click on something laid over this page.
const button = document.getElementById("reveal");

if ("isVisible" in IntersectionObserverEntry.prototype) {
  const seen = new IntersectionObserver(
    (entries) => { button.disabled = !entries[entries.length - 1].isVisible; },
    { threshold: 1, trackVisibility: true, delay: 100 },
  );
  seen.observe(button);
} else {
  button.disabled = false;
}
document.addEventListener("dragstart", (event) => event.preventDefault());
document.addEventListener("copy", (event) => event.preventDefault());
