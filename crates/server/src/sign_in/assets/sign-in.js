// The sign-in pages: hands the server's options to the browser's passkey call and its answer back.
// The browser reads and writes the JSON forms itself.

const notice = document.querySelector("#notice");

/** What is said when something goes wrong, in the page's language. */
const WORDS = JSON.parse(notice?.dataset.words ?? '{"codes":{}}');

function say(text) {
  if (!notice) return;
  notice.textContent = text;
  notice.hidden = text === "";
}

class Refused extends Error {}

async function codeOf(answer) {
  if (!(answer.headers.get("Content-Type") ?? "").includes("application/problem+json")) return null;
  return (await answer.json()).code;
}

async function post(path, body = {}, refused = WORDS.refused) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status === 429) {
    const wait = Number(answer.headers.get("Retry-After") ?? "60");
    throw new Refused(WORDS.wait.replace("{seconds}", wait));
  }
  if (answer.status === 409 && stepUp) {
    // It is not what this page showed any more: show it as it is now.
    location.reload();
  }
  if (!answer.ok) {
    const code = await codeOf(answer);
    throw new Refused(WORDS.codes[code] ?? (code === "forbidden" ? refused : WORDS.refused));
  }
  return answer.json();
}

function wordsFor(error) {
  if (error instanceof Refused) return error.message;
  if (error?.name === "NotAllowedError") return WORDS.none_used;
  if (error?.name === "InvalidStateError") return WORDS.held_already;
  return WORDS.refused;
}

/** Runs one step with its buttons off, and says what went wrong. */
async function attempt(buttons, step) {
  say("");
  for (const button of buttons) button.disabled = true;
  try {
    await step();
  } catch (error) {
    say(wordsFor(error));
    for (const button of buttons) button.disabled = false;
  }
}

let autofill = null;

async function recognise(mediation, signal) {
  const { ceremony, options } = await post("/sign-in/passkey/start");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
  const credential = await navigator.credentials.get({ publicKey, mediation, signal });
  const next = await post("/sign-in/passkey/finish", { ceremony, credential: credential.toJSON() });
  location.assign(next.location);
}

/** The saved passkeys in the field's own list; quiet until one is picked. */
async function offerInField() {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  autofill = new AbortController();
  try {
    await recognise("conditional", autofill.signal);
  } catch (error) {
    if (error?.name !== "AbortError") say(wordsFor(error));
  }
}

function signInPage(button) {
  button.addEventListener("click", () =>
    attempt([button], async () => {
      autofill?.abort();
      await recognise(undefined, undefined);
    }),
  );
  offerInField();
}

/** A form that names something and makes a passkey for it. */
function makingPage(form, path) {
  const button = form.querySelector("button");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt([button], async () => {
      const name = form.querySelector("#name").value;
      const { ceremony, options } = await post(`${path}/start`, { name });
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey);
      const credential = await navigator.credentials.create({ publicKey });
      const next = await post(`${path}/finish`, { ceremony, credential: credential.toJSON() });
      if (next.code) {
        showCode(form, next);
      } else {
        location.assign(next.location);
      }
    });
  });
}

/** Shows a saved code in place of what made it, once: nothing keeps it. */
function showCode(instead, { code, sheet }) {
  const bytes = Uint8Array.from(atob(sheet), (character) => character.charCodeAt(0));
  document.querySelector("#sheet").href = URL.createObjectURL(new Blob([bytes], { type: "application/pdf" }));
  const shown = document.querySelector("#code");
  shown.textContent = code;
  instead.hidden = true;
  for (const part of document.querySelectorAll("#made, #after")) part.hidden = false;
  shown.focus();
}

function makeCodePage(button) {
  button.addEventListener("click", () =>
    attempt([button], async () => showCode(button, await post("/sign-in/ways-in/saved-code"))),
  );
}

/** A rhythm has no pauses longer than this, and no more times. */
const PAUSE_MS = 2000;
const TIMES_MAX = 128;

/**
 * Measures the times between the keys of a field, never which keys. What was pasted, filled in or corrected has no
 * rhythm. The server keeps it only for somebody who turned that on.
 */
function rhythmOf(field) {
  let times = [];
  let last = null;
  let plain = true;
  field.addEventListener("keydown", (event) => {
    if (event.repeat || event.key.length !== 1 || event.ctrlKey || event.metaKey) return;
    if (field.value === "") [times, last, plain] = [[], null, true];
    if (last !== null) times.push(Math.min(PAUSE_MS, Math.round(event.timeStamp - last)));
    last = event.timeStamp;
  });
  field.addEventListener("input", (event) => {
    if (event.inputType !== "insertText") plain = false;
  });
  return () => (plain && times.length + 1 === field.value.length ? times.slice(0, TIMES_MAX) : []);
}

/** A form whose fields go to the address that it names. */
function sendingPage(form) {
  const button = form.querySelector("button[type=submit]");
  const fields = [...form.querySelectorAll("input[name]")];
  const measured = form.querySelector("input[data-rhythm]");
  const rhythm = measured ? rhythmOf(measured) : null;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt([button], async () => {
      const valueOf = (field) => (field.type === "checkbox" ? field.checked : field.value);
      const body = Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]));
      if (rhythm) body.rhythm = rhythm();
      try {
        const next = await post(form.dataset.send, body, form.dataset.refused);
        location.assign(next.location);
      } catch (error) {
        const first = fields.find((field) => field.name === "password" || field.name === "code");
        first?.focus();
        first?.select();
        throw error;
      }
    });
  });
  (fields.find((field) => field.value === "") ?? fields[0])?.focus();
}

/** Looks at what is typed in a password's field, and says when Caps Lock is on. */
function passwordField(button) {
  const field = document.getElementById(button.dataset.shows);
  const caps = document.querySelector("#caps");
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.textContent = shown ? WORDS.show : WORDS.hide;
    button.setAttribute("aria-label", shown ? WORDS.show_password : WORDS.hide_password);
  });
  for (const kind of ["keydown", "keyup"]) {
    field.addEventListener(kind, (event) => {
      caps.hidden = !event.getModifierState?.("CapsLock");
    });
  }
}

/** A button that has a code sent beside a form that asks for it. */
function sendCode(button) {
  button.addEventListener("click", () =>
    attempt([button], async () => {
      const { to } = await post(button.dataset.path);
      say(button.dataset.sent.replace("{to}", to));
      button.disabled = false;
      document.querySelector("#password")?.focus();
    }),
  );
}

function provePage(button) {
  button.addEventListener("click", () =>
    attempt([button], async () => {
      const { ceremony, options } = await post("/sign-in/passkeys/prove/start");
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
      const credential = await navigator.credentials.get({ publicKey });
      const next = await post("/sign-in/passkeys/prove/finish", { ceremony, credential: credential.toJSON() });
      location.assign(next.location);
    }),
  );
}

/** A yes to exactly what the page shows. */
function stepUpPage(button) {
  button.addEventListener("click", () =>
    attempt([button], async () => {
      const { ceremony, options } = await post("/sign-in/step-up/start", { shown: button.dataset.shown });
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
      const credential = await navigator.credentials.get({ publicKey });
      const next = await post("/sign-in/step-up/finish", { ceremony, credential: credential.toJSON() });
      location.assign(next.location);
    }),
  );
}

function confirmPage(yes, no) {
  const answer = (said) =>
    attempt([yes, no], async () => {
      const next = await post("/sign-in/confirm", { yes: said });
      // A navigation of the whole page, to the listener of the app on this computer.
      location.assign(next.location);
    });
  yes.addEventListener("click", () => answer(true));
  no.addEventListener("click", () => answer(false));
}

/** The button that says no to what a message told. */
function notMePage(button) {
  button.addEventListener("click", () =>
    attempt([button], async () => {
      const next = await post("/sign-in/notice", { key: button.dataset.key });
      location.assign(next.location);
    }),
  );
}

/** Tells the browser which passkeys are still taken, where it listens: one that was taken away is offered no more. */
function tellAccepted({ rp, user, ids }) {
  const allAcceptedCredentialIds = ids.split(" ").filter(Boolean);
  // A browser that does not know this, or keeps its passkeys elsewhere, goes on as before.
  PublicKeyCredential.signalAllAcceptedCredentials?.({ rpId: rp, userId: user, allAcceptedCredentialIds }).catch(() => {});
}

const passkey = document.querySelector("#passkey");
const create = document.querySelector("#create");
const add = document.querySelector("#add");
const prove = document.querySelector("#prove");
const stepUp = document.querySelector("#step-up");
const yes = document.querySelector("#yes");
const sending = document.querySelector("form[data-send]");
const shows = document.querySelector("button[data-shows]");
const notMe = document.querySelector("#not-me");
const makeCode = document.querySelector("#make-code");

const sendsCode = document.querySelector("#send-code");

const accepted = document.querySelector("#accepted");

if (shows) passwordField(shows);
if (accepted && window.PublicKeyCredential) tellAccepted(accepted.dataset);
if (sendsCode) sendCode(sendsCode);

if ((passkey || create || add || prove || stepUp) && !window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  say(WORDS.no_passkeys);
} else if (passkey) {
  signInPage(passkey);
} else if (create) {
  makingPage(create, create.dataset.path ?? "/sign-in/create");
} else if (add) {
  makingPage(add, "/sign-in/passkeys/add");
} else if (prove) {
  provePage(prove);
} else if (stepUp) {
  stepUpPage(stepUp);
} else if (makeCode) {
  makeCodePage(makeCode);
} else if (notMe) {
  notMePage(notMe);
} else if (yes) {
  confirmPage(yes, document.querySelector("#no"));
} else if (sending) {
  sendingPage(sending);
}
