// Follows a run without loading the whole page: asks for it again and takes over what changed.
"use strict";

const EVERY = 1000; // ms

async function follow() {
  let fresh;
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok || answer.redirected) return location.reload(); // signed out, or gone
    fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return setTimeout(follow, 5 * EVERY); // no connection for a moment
  }
  const found = fresh.getElementById("progress");
  if (!("underWay" in found.dataset)) {
    document.title = fresh.title;
    return document.getElementById("progress").replaceWith(found);
  }
  const status = document.getElementById("progress-status");
  const said = fresh.getElementById("progress-status").textContent;
  if (status.textContent !== said) status.textContent = said; // read aloud only when it says something else
  document.querySelector("#progress progress").replaceWith(fresh.querySelector("#progress progress"));
  return setTimeout(follow, EVERY);
}

setTimeout(follow, EVERY);
