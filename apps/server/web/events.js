// Server-sent events, with reconnecting. EventSource gives up for good on some errors (a proxy's 502 while the server
// restarts), so this always reconnects itself.

const firstDelay = 500;     // milliseconds
const longestDelay = 8000;

// handlers: job(JOB), model(MODEL), deleted({id}), connected(), lost().
export function followEvents(url, handlers) {
  let source = null;
  let delay = firstDelay;
  let timer = 0;

  function connect() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(url);
    source.onopen = () => {
      delay = firstDelay;
      handlers.connected();
    };
    source.onerror = () => {
      source.close();
      handlers.lost();
      clearTimeout(timer);
      timer = setTimeout(connect, delay);
      delay = Math.min(longestDelay, 2 * delay);
    };
    for (const name of ["job", "model", "deleted"]) {
      source.addEventListener(name, (event) => handlers[name](JSON.parse(event.data)));
    }
  }

  // A page that comes back to the foreground, or to the network, does not wait for the timer.
  function hurry() {
    if (!document.hidden && source.readyState === EventSource.CLOSED) connect();
  }
  document.addEventListener("visibilitychange", hurry);
  addEventListener("online", hurry);
  connect();
}
