// Shows what a change does to the groups right below the button, before it is made.
// Without this script the button leads to a page that says the same.
"use strict";

let asking; // the question that is under way; a newer one makes it pointless
let returning = false; // going back to a button asks nothing again

function question(form) {
  return new URLSearchParams(new FormData(form));
}

// The other groups are a page of their own
function elsewhere(form) {
  return form.action.endsWith("/verplaatsen") && !form.elements.naar?.value;
}

function away() {
  asking?.abort();
  document.getElementById("effect")?.remove();
}

async function show(form, { focus = false } = {}) {
  const asked = question(form);
  if (elsewhere(form)) return away();
  const shown = document.getElementById("effect");
  if (shown && shown.dataset.asked === `${form.action}?${asked}`) return focus && shown.focus();
  away();
  asking = new AbortController();
  let answer;
  try {
    answer = await fetch(`${form.action}?${asked}&deel=effect`, { signal: asking.signal });
  } catch {
    return; // another one was chosen, or there is no connection: the button still leads to the page
  }
  if (!answer.ok || answer.redirected) return focus && form.submit(); // signed out, or changed: the page tells
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("effect");
  document.getElementById("effect")?.remove();
  fresh.dataset.asked = `${form.action}?${asked}`;
  form.nextElementSibling.append(fresh); // a polite live region: what appears there is read aloud
  if (focus) fresh.focus();
}

for (const form of document.querySelectorAll("form[data-effect]")) {
  form.addEventListener("submit", (event) => {
    if (elsewhere(form)) return;
    event.preventDefault();
    show(form, { focus: true });
  });
  form.querySelector("button").addEventListener("focus", () => returning || show(form));
  form.querySelector("select")?.addEventListener("change", () => show(form));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#effect [data-back]")) return;
  event.preventDefault();
  const form = document.getElementById("effect").parentElement.previousElementSibling;
  away();
  returning = true;
  form.querySelector("select, button").focus({ focusVisible: true });
  returning = false;
});
