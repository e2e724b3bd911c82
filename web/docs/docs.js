// Swagger UI for the document of this server: the document inside the page, or else openapi.json.
"use strict";

const root = document.documentElement;
const place = document.getElementById("swagger-ui");

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => root.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

// Swagger UI reads the fragment of the address as the name of an operation, so the skip link does not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});

async function readDocument() {
  const inline = document.getElementById("openapi");
  if (inline) return JSON.parse(inline.textContent);
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`openapi.json got status ${answer.status}`);
  return answer.json();
}

// The page may call only the server that it came from, so it offers this one, with its path prefix.
function fromHere(spec) {
  const url = location.origin + location.pathname.replace(/\/api\/docs\/.*$/i, "");
  return { ...spec, servers: [{ url, description: "This server" }] };
}

// Two repairs. Keyboards and screen readers cannot use a link inside a button. Swagger UI reads `_` in a deep link as a blank,
// but our operations have `_` in their names.
const plugin = ({ React }) => ({
  components: { DeepLink: ({ text }) => React.createElement("span", null, text) },
  statePlugins: {
    layout: {
      wrapActions: {
        parseDeepLinkHash: (_, { layoutActions, layoutSelectors }) => (hash) => {
          const [tag, operation] = hash.replace(/^#!?\/?/, "").split("/");
          if (!tag) return;
          const key = layoutSelectors.isShownKeyFromUrlHashArray([tag, operation]);
          layoutActions.show(key, true);
          layoutActions.scrollTo(key);
        },
      },
    },
  },
});

// Elements that Swagger UI gives no name or role.
const attributes = [
  [".information-container", { role: "region", "aria-label": "About this API" }],
  [".schemes-server-container", { role: "region", "aria-label": "Server and authorization" }],
  [".dialog-ux .modal-ux", { role: "dialog", "aria-modal": "true", "aria-label": "Available authorizations" }],
  [".close-modal", { "aria-label": "Close" }],
  [".auth-btn-wrapper .authorize", { "aria-label": "Authorize" }],
  [".auth-btn-wrapper .btn:not(.authorize, .btn-done)", { "aria-label": "Logout" }],
  ["#servers", { "aria-label": "Server" }],
  ["textarea.body-param__text", { "aria-label": "Request body" }],
  [".opblock-section-request-body .opblock-section-header select", { "aria-label": "Content type of the request" }],
  [".response-control-media-type select", { "aria-label": "Content type of the response" }],
  [".examples-select select", { "aria-label": "Example" }],
];

function repair() {
  for (const [selector, values] of attributes) {
    for (const element of place.querySelectorAll(selector)) {
      for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    }
  }
  for (const table of place.querySelectorAll(".responses-table")) {
    const live = table.classList.contains("live-responses-table") ? "Response" : "Possible responses";
    table.setAttribute("aria-label", `${live}: ${table.closest(".opblock")?.id.split("-").pop()}`);
  }
  for (const field of place.querySelectorAll(".parameters-col_description :is(input, select, textarea)")) {
    const parameter = field.closest("tr").querySelector(".parameter__name")?.firstChild?.textContent;
    if (parameter) field.setAttribute("aria-label", parameter);
  }
  // A keyboard must reach what scrolls.
  for (const wide of place.querySelectorAll("pre, .renderedMarkdown table")) {
    if (wide.scrollWidth > wide.clientWidth || wide.scrollHeight > wide.clientHeight) wide.tabIndex = 0;
  }
  // A table that is wider than its place says so, because phones show no scroll bar.
  for (const table of place.querySelectorAll(".renderedMarkdown table")) {
    table.classList.toggle("scrolls", table.scrollWidth > table.clientWidth);
  }
}

function show(spec) {
  place.textContent = "";
  SwaggerUIBundle({
    spec: fromHere(spec),
    domNode: place,
    deepLinking: true,
    tryItOutEnabled: true,
    persistAuthorization: false,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    syntaxHighlight: { theme: "nord" },
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [plugin],
    layout: "BaseLayout",
  });
  repair();
  new MutationObserver(repair).observe(place, { childList: true, subtree: true });
  addEventListener("resize", repair);
}

readDocument().then(show, (error) => {
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.setAttribute("role", "alert");
  notice.textContent = `The API document could not be loaded: ${error.message}. The page “Checks” looks for the cause.`;
  place.replaceChildren(notice);
});
