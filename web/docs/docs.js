// Swagger UI over the document of this server: the one inside the page, or else openapi.json beside it.
"use strict";

const root = document.documentElement;
const place = document.getElementById("swagger-ui");

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => root.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

// Swagger UI reads the address's fragment as the name of an operation, so the skip link leaves it alone.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});

async function readDocument() {
  const inline = document.getElementById("openapi");
  if (inline) return JSON.parse(inline.textContent);
  const answer = await fetch("openapi.json");
  if (!answer.ok) throw new Error(`openapi.json was answered with status ${answer.status}`);
  return answer.json();
}

// The page may call the server that it came from and no other, so that one is offered, path prefix and all.
function fromHere(spec) {
  const url = location.origin + location.pathname.replace(/\/api\/docs\/.*$/i, "");
  return { ...spec, servers: [{ url, description: "This server" }] };
}

// Two repairs: a link inside a button is no use to a keyboard or a screen reader, and a deep link to an operation whose
// name holds `_` is not the legacy spelling of a blank.
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

// What Swagger UI leaves without a name or a role.
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
  [".response-control-media-type select", { "aria-label": "Content type of the answer" }],
  [".examples-select select", { "aria-label": "Example" }],
];

function repair() {
  for (const [selector, values] of attributes) {
    for (const element of place.querySelectorAll(selector)) {
      for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    }
  }
  for (const table of place.querySelectorAll(".responses-table")) {
    const live = table.classList.contains("live-responses-table") ? "Answer" : "Possible answers";
    table.setAttribute("aria-label", `${live}: ${table.closest(".opblock")?.id.split("-").pop()}`);
  }
  for (const field of place.querySelectorAll(".parameters-col_description :is(input, select, textarea)")) {
    const parameter = field.closest("tr").querySelector(".parameter__name")?.firstChild?.textContent;
    if (parameter) field.setAttribute("aria-label", parameter);
  }
  // What scrolls must be within a keyboard's reach.
  for (const wide of place.querySelectorAll("pre, .renderedMarkdown table")) {
    if (wide.scrollWidth > wide.clientWidth || wide.scrollHeight > wide.clientHeight) wide.tabIndex = 0;
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
}

readDocument().then(show, (error) => {
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.setAttribute("role", "alert");
  notice.textContent = `The API document could not be loaded: ${error.message}. The page “Checks” may know why.`;
  place.replaceChildren(notice);
});
