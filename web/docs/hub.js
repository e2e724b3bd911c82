// The commands contain the address of this server, with its path prefix, and can be copied.
"use strict";

const base = location.origin + location.pathname.replace(/(\/api\/docs)?\/?[^/]*$/i, "");
for (const place of document.querySelectorAll("[data-base]")) place.textContent = base;

const said = document.getElementById("said");

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    said.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy by hand";
    said.textContent = "The browser does not allow copying here";
  }
  button.addEventListener("blur", () => (button.textContent = "Copy"), { once: true });
}

if (navigator.clipboard) {
  for (const command of document.querySelectorAll(".steps pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Copy";
    button.setAttribute("aria-label", command.getAttribute("aria-label").replace("Command", "Copy the command"));
    button.addEventListener("click", () => copy(button, command.textContent));
    command.before(button);
  }
}
