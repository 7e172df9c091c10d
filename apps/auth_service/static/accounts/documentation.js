// The page at /docs. It keeps nothing: tokens live in this file's variables until the page is left.
"use strict";

(() => {
  const AUTH = "/api/v1/auth";
  const links = [...document.querySelectorAll("[data-service]")];
  const byId = (id) => document.getElementById(id);
  const main = byId("document");

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const colour = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", colour);
  colour();

  // The documents. Which one is shown is a name of ours in the query string; no address is taken from there.

  let shown = null; // Swagger UI of the document that is shown
  let grant = null; // what the log-in answered
  let timer = 0;
  let turn = 0; // counts what was asked for, so that a late answer is passed over

  const chosen = () => {
    const name = new URLSearchParams(window.location.search).get("service");
    return links.find((link) => link.dataset.service === name) || links[0];
  };

  const mark = (link, answers) => {
    link.classList.toggle("down", !answers);
    link.title = answers ? "" : "This service does not answer now";
  };

  const answers = (link, method) =>
    fetch(link.getAttribute("href"), { method }).then((answer) => answer.ok, () => false);

  const notice = (link) => {
    const text = document.createElement("p");
    text.textContent = `The ${link.dataset.service} service does not answer now. The others do without it. `;
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Try again";
    again.addEventListener("click", show);
    const box = document.createElement("div");
    box.className = "notice";
    box.setAttribute("role", "status");
    box.append(text, again);
    main.replaceChildren(box);
  };

  const show = async () => {
    const link = chosen();
    const mine = ++turn;
    links.forEach((one) => one.setAttribute("aria-current", one === link ? "page" : "false"));
    document.title = `${link.querySelector("strong").textContent} – Souk API`;
    shown = null;
    const isThere = await answers(link, "GET");
    if (mine !== turn) return;
    mark(link, isThere);
    if (!isThere) return notice(link);
    const place = document.createElement("div");
    main.replaceChildren(place);
    const ui = SwaggerUIBundle({
      domNode: place,
      url: link.getAttribute("href"),
      presets: [SwaggerUIBundle.presets.apis],
      layout: "BaseLayout",
      deepLinking: true,
      displayRequestDuration: true,
      defaultModelsExpandDepth: 0,
      persistAuthorization: false,
      queryConfigEnabled: false,
      validatorUrl: null,
      onComplete: () => {
        if (mine !== turn) return;
        shown = ui;
        authorise();
      },
    });
  };

  links.forEach((link) =>
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      window.history.pushState(null, "", `?service=${link.dataset.service}`);
      show();
    }),
  );
  window.addEventListener("popstate", () => {
    if (links.some((link) => link.getAttribute("aria-current") === "page" && link !== chosen())) show();
  });

  // Logging in

  const post = (path, body, options) =>
    fetch(AUTH + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "omit",
      cache: "no-store",
      body: JSON.stringify(body),
      ...options,
    });

  const authorise = () => {
    if (shown && grant) shown.preauthorizeApiKey("token", grant.access);
  };

  const take = (next, who) => {
    if (shown && grant && !next) shown.authActions.logout(["token"]);
    grant = next;
    window.clearTimeout(timer);
    if (next) timer = window.setTimeout(renew, Math.max(5, next.expires_in - 30) * 1000);
    if (who) byId("who").textContent = who;
    byId("logged-in").hidden = !next;
    byId("open-log-in").hidden = Boolean(next);
    authorise();
  };

  const open = (isOpen) => {
    byId("log-in").hidden = !isOpen;
    byId("open-log-in").setAttribute("aria-expanded", String(isOpen));
    if (isOpen) byId("email").focus();
  };

  const renew = async () => {
    const answer = await post("/token/refresh", { refresh: grant.refresh }).catch(() => null);
    if (!grant) return; // logged out meanwhile
    if (answer && answer.ok) take(await answer.json());
    else if (answer && answer.status === 401) take(null);
    else timer = window.setTimeout(renew, 5000);
  };

  const logIn = async (event) => {
    event.preventDefault();
    const error = byId("log-in-error");
    error.textContent = "";
    const email = byId("email").value;
    const answer = await post("/token", { email, password: byId("password").value }).catch(() => null);
    const told = answer && (await answer.json().catch(() => null));
    if (!answer || !answer.ok || !told) {
      error.textContent = (told && told.title) || "The auth service does not answer now.";
      return;
    }
    byId("password").value = "";
    open(false);
    take(told, email);
  };

  const logOut = () => {
    const left = grant;
    take(null);
    if (left) post("/token/revoke", { refresh: left.refresh }, { keepalive: true }).catch(() => null);
  };

  byId("open-log-in").hidden = false;
  byId("open-log-in").addEventListener("click", () => open(byId("log-in").hidden));
  byId("log-in").addEventListener("submit", logIn);
  byId("log-out").addEventListener("click", logOut);
  window.addEventListener("pagehide", logOut);

  show();
  links.filter((link) => link !== chosen()).forEach((link) => answers(link, "HEAD").then((is) => mark(link, is)));
})();
