// The back office's passkeys: hands the server's options to the browser's call and its answer back. Everything else on
// these pages is a plain form.

const REFUSED = "That did not work. Try again, or ask whoever runs the server for a new address.";
const notice = document.querySelector("#notice");

function say(text) {
  if (!notice) return;
  notice.textContent = text;
  notice.hidden = text === "";
}

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (answer.status === 429) throw new Error(`Too many tries. Wait ${answer.headers.get("Retry-After") ?? "60"} seconds.`);
  if (!answer.ok) throw new Error(REFUSED);
  return answer.json();
}

async function attempt(button, step) {
  say("");
  button.disabled = true;
  try {
    await step();
  } catch (error) {
    say(error?.name === "NotAllowedError" ? "No passkey was used. You can try again." : error.message || REFUSED);
    button.disabled = false;
  }
}

const passkey = document.querySelector("#passkey");
passkey?.addEventListener("click", () =>
  attempt(passkey, async () => {
    const { ceremony, options } = await post("/support/passkey/start", {});
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
    const credential = await navigator.credentials.get({ publicKey });
    const next = await post("/support/passkey/finish", { ceremony, credential: credential.toJSON() });
    location.assign(next.location);
  }),
);

const make = document.querySelector("#make");
make?.addEventListener("click", () =>
  attempt(make, async () => {
    const secret = make.dataset.secret;
    const { ceremony, options } = await post("/support/passkey/add/start", { secret });
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey);
    const credential = await navigator.credentials.create({ publicKey });
    const next = await post("/support/passkey/add/finish", { secret, ceremony, credential: credential.toJSON() });
    location.assign(next.location);
  }),
);
