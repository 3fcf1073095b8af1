"use strict";
// The login is in a tab of its own, where the browser shows whose page it is. Back from there the
// frame goes on; a browser that keeps a framed site apart asks the person first.
async function again() {
  if (document.requestStorageAccess) {
    try { await document.requestStorageAccess(); } catch { /* they said no: the page says it again */ }
  }
  location.reload();
}

document.getElementById("again").addEventListener("click", again);
document.addEventListener("visibilitychange", () => { if (!document.hidden) location.reload(); });
