// The form of a need, made quicker: checks the note and suggests topics while it is typed, and shows only the contact
// field that is used.
// Without this script everything is there and the server says the same after sending.
"use strict";

const PAUSE = 400; // ms without a keystroke before the note is checked

const form = document.querySelector("form[data-check]");
const note = form.elements.text;
let timer;
let asking; // the check that is under way; a newer one makes it pointless

async function checkNote() {
  asking?.abort();
  asking = new AbortController();
  const { csrf, perspective } = form.elements;
  const body = new URLSearchParams({ csrf: csrf.value, text: note.value, perspective: perspective.value });
  let answer;
  try {
    answer = await fetch(form.dataset.check, { method: "POST", body, signal: asking.signal });
  } catch {
    return; // typed on, or no connection: the check after sending remains
  }
  if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

function show(fresh) {
  say("text-check-status", fresh);
  document.getElementById("text-check-details").replaceWith(fresh.getElementById("text-check-details"));
  say("topics-status", fresh);
  offer(fresh.getElementById("topics-offered"));
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
  timer = setTimeout(checkNote, PAUSE);
});
form.addEventListener("change", (event) => {
  showContact();
  if (event.target.name === "perspective" && note.value.trim()) checkNote();
});
window.addEventListener("pageshow", showContact); // a browser that goes back fills in the boxes later
showContact();
