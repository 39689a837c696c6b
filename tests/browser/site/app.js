// The page under test: an application as its developer would write it, with clerk-js and the convex client as npm has
// them. What to load is in the query, so that a reload loads the same:
//
//   key        the publishable key
//   proxyUrl   the option of that name (ways A and B); absent in way C
//   hook       address of the script that redirects requests (way C), loaded before clerk-js
//   clerk      major version of clerk-js (5)
//   backend    address of the Parabola server: the convex client connects to it
//
// Tests call what is in `window.app`, or use `Clerk` directly.

const query = new URLSearchParams(location.search);
const asked = (name) => query.get(name) ?? undefined;

const app = (window.app = { events: [], values: [], errors: [] });
window.addEventListener("error", (event) => app.errors.push(String(event.message)));
window.addEventListener("unhandledrejection", (event) => app.errors.push(String(event.reason?.message ?? event.reason)));

const classicScript = (address) =>
  new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve });
    script.onerror = () => reject(new Error(`${address} did not load`));
    document.head.append(script);
  });

// An error of clerk-js as plain data: its status and the first of its errors.
app.failure = async (action) => {
  try {
    await action();
    return null;
  } catch (error) {
    const first = error.errors?.[0];
    return { status: error.status, code: first?.code, param: first?.meta?.paramName, text: first?.longMessage ?? String(error) };
  }
};

app.signUp = async (fields) => {
  const attempt = await Clerk.client.signUp.create(fields);
  if (attempt.status === "complete") await Clerk.setActive({ session: attempt.createdSessionId });
  return app.who();
};

app.signIn = async (identifier, password) => {
  const attempt = await Clerk.client.signIn.create({ identifier, password });
  await Clerk.setActive({ session: attempt.createdSessionId });
  return app.who();
};

app.signOut = (options) => Clerk.signOut(() => {}, options);
app.token = (options) => Clerk.session.getToken(options);

app.who = () =>
  Clerk.user
    ? {
        id: Clerk.user.id,
        email: Clerk.user.primaryEmailAddress?.emailAddress,
        firstName: Clerk.user.firstName,
        session: Clerk.session?.id,
      }
    : null;

// What an application does with both libraries: the convex client asks Clerk for its tokens while somebody is signed in.
function connect(backend) {
  const client = (app.convex = new convex.ConvexClient(backend, { unsavedChangesWarning: false }));
  let user;
  Clerk.addListener(({ session }) => {
    if (session === undefined || (session?.user?.id ?? null) === user) return;
    user = session?.user?.id ?? null;
    app.authChanges = [];
    if (user === null) client.client.clearAuth();
    else
      client.setAuth(
        ({ forceRefreshToken }) =>
          Clerk.session?.getToken({ template: "convex", skipCache: forceRefreshToken }) ?? Promise.resolve(null),
        (isAuthenticated) => app.authChanges.push(isAuthenticated),
      );
  });
  app.call = (kind, name, args = {}) => client[kind](convex.anyApi[name.split(":")[0]][name.split(":")[1]], args);
  app.follow = (name, args = {}) => {
    client.onUpdate(
      convex.anyApi[name.split(":")[0]][name.split(":")[1]],
      args,
      (value) => app.values.push({ value }),
      (error) => app.values.push({ error: error.message }),
    );
  };
}

async function start() {
  if (asked("hook")) await classicScript(asked("hook"));
  const { Clerk } = await import(`/clerk-${asked("clerk") ?? 5}/clerk.mjs`);
  const clerk = (window.Clerk = new Clerk(asked("key"), asked("proxyUrl") ? { proxyUrl: asked("proxyUrl") } : undefined));
  await clerk.load({ telemetry: false });
  clerk.addListener(({ client, session, user }) => {
    app.events.push({ client: client?.id, session: session?.id ?? session, user: user?.id ?? user });
    document.querySelector("#who").textContent = user ? user.primaryEmailAddress.emailAddress : "signed out";
  });
  document.querySelector("#sign-in").onclick = () => clerk.openSignIn();
  document.querySelector("#sign-up").onclick = () => clerk.openSignUp();
  if (asked("backend")) {
    await classicScript("/convex/browser.bundle.js");
    connect(asked("backend"));
  }
}

app.ready = query.has("key") ? start() : Promise.resolve();
app.ready.then(
  () => (document.body.dataset.state = "ready"),
  (error) => {
    app.errors.push(String(error?.message ?? error));
    document.body.dataset.state = "failed";
  },
);
