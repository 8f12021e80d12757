// The form of a need, made quicker: checks the note and suggests topics while it is typed, and shows only the contact
// field that is used.
// Without this script everything is there and the server says the same after sending.
"use strict";

const PAUSE = 400; // ms without a keystroke before the note is checked

const form = document.querySelector("form[data-check]");
const note = form.elements.text;
let timer;
let asking; // the check that is under way; a newer one makes it pointless

// `rewrite`: the word whose suggestion the server puts into the note
async function checkNote(rewrite = "") {
  clearTimeout(timer);
  asking?.abort();
  asking = new AbortController();
  const { csrf, perspective } = form.elements;
  const typed = note.value;
  const body = new URLSearchParams({ csrf: csrf.value, text: typed, perspective: perspective.value, rewrite });
  for (const choice of document.querySelectorAll('[name="overruled"]')) body.append("overruled", choice.value);
  let answer;
  try {
    answer = await fetch(form.dataset.check, { method: "POST", body, signal: asking.signal });
  } catch {
    return; // typed on, or no connection: the check after sending remains
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (note.value !== typed) return; // the next check is on its way
  const rewritten = fresh.getElementById("text-rewritten");
  if (rewritten) note.value = rewritten.textContent;
  show(fresh);
  if (rewritten) (document.querySelector('[name="rewrite"]') ?? note).focus();
}

function show(fresh) {
  say("text-check-status", fresh);
  showFindings(fresh.getElementById("text-check-details"));
  remind(fresh.getElementById("danger"));
  say("topics-status", fresh);
  offer(fresh.getElementById("topics-offered"));
}

function showFindings(fresh) {
  // What somebody is in the middle of stays open, and keeps the focus
  const open = [...document.querySelectorAll("[data-hit] details[open]")].map((one) => hitOf(one).dataset.hit);
  const active = document.activeElement;
  const hit = hitOf(active)?.dataset.hit;
  for (const item of fresh.querySelectorAll("[data-hit]")) {
    const details = item.querySelector("details");
    if (details && open.includes(item.dataset.hit)) details.open = true;
  }
  document.getElementById("text-check-details").replaceWith(fresh);
  const again = [...document.querySelectorAll("[data-hit]")].find((item) => item.dataset.hit === hit);
  again?.querySelector(active.localName)?.focus();
}

function hitOf(element) {
  return element?.closest("[data-hit]");
}

function remind(fresh) {
  // It comes and it goes; while it stands, what was answered stays
  const reminder = document.getElementById("danger");
  const stands = (block) => block.childElementCount > 0;
  if (stands(reminder) !== stands(fresh)) reminder.replaceWith(fresh);
}

function say(id, fresh) {
  // A line that is read aloud changes only when it says something else
  const status = document.getElementById(id);
  const said = fresh.getElementById(id).textContent.trim();
  if (status.textContent.trim() !== said) status.textContent = said;
}

function offer(fresh) {
  const offered = document.getElementById("topics-offered");
  const box = (field) => field.querySelector("input");
  // What is ticked stays, and so does what somebody is about to tick
  const kept = [...offered.children].filter((field) => box(field).checked || box(field) === document.activeElement);
  for (const field of [...offered.children]) if (!kept.includes(field)) field.remove();
  const there = kept.map((field) => box(field).value);
  offered.append(...[...fresh.children].filter((field) => !there.includes(box(field).value)));
}

function showContact() {
  const invited = form.querySelector('[name="consents"][value="invitation"]').checked;
  const chosen = form.querySelector('[name="channel"]:checked')?.value;
  document.getElementById("contact").hidden = !invited;
  document.getElementById("contact-not-needed").hidden = invited;
  for (const input of document.querySelectorAll('#contact [name="channel"]')) input.disabled = !invited;
  for (const box of document.querySelectorAll("#contact [data-channel]")) {
    const used = invited && box.dataset.channel === chosen;
    box.hidden = !used;
    // What is hidden is not sent: an address that was typed and is not consented to stays here
    box.querySelector("input, textarea").disabled = !used;
  }
}

note.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => checkNote(), PAUSE);
});
form.addEventListener("change", (event) => {
  showContact();
  if (["perspective", "overruled"].includes(event.target.name) && note.value.trim()) checkNote();
});
form.addEventListener("click", (event) => {
  const button = event.target.closest('[name="rewrite"]');
  if (!button) return;
  event.preventDefault(); // without this script the page comes back with the note rewritten
  checkNote(button.value);
});
window.addEventListener("pageshow", showContact); // a browser that goes back fills in the boxes later
showContact();
