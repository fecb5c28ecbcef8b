// The way to the monitor: one session of our own kernel per Jupyter server, shared by all tabs, and a comm on it. Finds it or starts it, notices
// every way it can be lost, and takes it up again: a kernel that died or was restarted, a server that was, a session shut down by somebody.
import {
  ServerConnection,
  type Kernel,
  type KernelMessage,
  type ServiceManager,
  type Session,
} from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import { MONITOR_PROTOCOL, MONITOR_SESSION, MONITOR_TARGET, type PanelMessage } from '../../../magics/protocol/monitor';
import type { MonitorClient } from '../model/client';
import { Store, type Readable } from '../model/store';
import type { Translation } from '../model/words';

export const KERNEL_NAME = 'cellburst';
const SESSION_TYPE = 'cellburst-monitor';
/** A monitor that runs answers its comm at once. */
const GREETING_MS = 15_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

export type LinkState =
  | { readonly state: 'off' }
  | { readonly state: 'starting' }
  | { readonly state: 'live' }
  /** `isRetried`: it is tried again by itself. */
  | { readonly state: 'lost'; readonly message: string; readonly isRetried: boolean }
  /** Our kernel is not installed on this server. */
  | { readonly state: 'no-kernel' }
  | { readonly state: 'refused'; readonly message: string };

export class MonitorLink {
  readonly #services: ServiceManager.IManager;
  readonly #client: MonitorClient;
  readonly #trans: Translation;
  readonly #state = new Store<LinkState>({ state: 'off' });
  #session: Session.ISessionConnection | undefined;
  #comm: Kernel.IComm | undefined;
  #greeting: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = FIRST_RETRY_MS;
  /** Since when the connection to the kernel is down. */
  #downAt: number | undefined;
  #isReaching = false;

  constructor(services: ServiceManager.IManager, client: MonitorClient, trans: Translation) {
    this.#services = services;
    this.#client = client;
    this.#trans = trans;
    // A comm that nobody closes is served for a while by the kernel.
    window.addEventListener('pagehide', () => {
      if (this.#comm && !this.#comm.isDisposed) this.#comm.close();
    });
    // A machine that wakes up, or a network that is back.
    window.addEventListener('online', this.#retryNow);
    document.addEventListener('visibilitychange', this.#retryNow);
    services.sessions.runningChanged.connect((_sender, running) => {
      this.#look(running);
    });
  }

  get state(): Readable<LinkState> {
    return this.#state;
  }

  /** Does nothing when it is connected or about to be. */
  connect(): void {
    const { state } = this.#state.value;
    if (state === 'live' || state === 'starting') return;
    clearTimeout(this.#retry);
    const session = this.#session;
    if (session === undefined || session.isDisposed) this.#state.set({ state: 'starting' });
    const attempt = session === undefined || session.isDisposed ? this.#start() : this.#reach(session);
    attempt.catch((error: unknown) => {
      this.#lose(this.#reasonOf(error), true);
    });
  }

  /** The same kernel again, if it is still there. JupyterLab tries by itself as well, ever more rarely: who comes first is of no matter. */
  async #reach(session: Session.ISessionConnection): Promise<void> {
    if (this.#isReaching) return;
    this.#isReaching = true;
    try {
      // Tells `#look`, which begins anew when the session is no more.
      await this.#services.sessions.refreshRunning();
      const { kernel } = session;
      if (session !== this.#session || !kernel) return;
      if (kernel.connectionStatus !== 'connected') await kernel.reconnect();
      else if (this.#comm === undefined) this.#openComm();
    } finally {
      this.#isReaching = false;
    }
  }

  #reasonOf(error: unknown): string {
    if (error instanceof ServerConnection.NetworkError)
      return this.#trans.__('The connection to the Jupyter server is interrupted.');
    return error instanceof Error ? error.message : String(error);
  }

  readonly #retryNow = (): void => {
    const link = this.#state.value;
    if (link.state === 'lost' && link.isRetried && document.visibilityState === 'visible') this.connect();
  };

  refuse(message: string): void {
    this.#closeComm();
    this.#state.set({ state: 'refused', message });
  }

  /** Ends the monitor's kernel. Jobs go on. */
  async shutdown(): Promise<void> {
    const session = this.#session;
    this.#forget();
    this.#state.set({ state: 'off' });
    await session?.shutdown();
  }

  async #start(): Promise<void> {
    this.#forget();
    const { sessions, kernelspecs } = this.#services;
    await Promise.all([sessions.ready, kernelspecs.ready]);
    // What JupyterLab knows is a minute old: our kernel may just have been installed.
    if (kernelspecs.specs?.kernelspecs[KERNEL_NAME] === undefined) await kernelspecs.refreshSpecs();
    if (kernelspecs.specs?.kernelspecs[KERNEL_NAME] === undefined) {
      this.#state.set({ state: 'no-kernel' });
      return;
    }
    await sessions.refreshRunning();
    const found = firstOf([...sessions.running()]);
    const session = found
      ? sessions.connectTo({ model: found })
      : await sessions.startNew({
          path: MONITOR_SESSION,
          name: MONITOR_SESSION,
          type: SESSION_TYPE,
          kernel: { name: KERNEL_NAME },
        });
    this.#session = session;
    session.disposed.connect(this.#onDisposed);
    session.statusChanged.connect(this.#onStatus);
    session.connectionStatusChanged.connect(this.#onConnection);
    session.iopubMessage.connect(this.#onMessage);
    if (session.kernel?.connectionStatus === 'connected') this.#openComm();
    // What was heard while ours was being made.
    if (!found) this.#look([...sessions.running()]);
  }

  /** Two tabs that begin at once may start a monitor each. All go to the same one then, and the other is ended. */
  #look(running: readonly Session.IModel[]): void {
    const id = this.#session?.id;
    if (id === undefined) return;
    const isThere = running.some((model) => model.id === id);
    const chosen = firstOf(running);
    if (chosen === undefined || chosen.id === id) {
      if (!isThere) this.#gone();
      return;
    }
    const { sessions } = this.#services;
    this.#forget();
    this.#state.set({ state: 'starting' });
    const ended = isThere ? sessions.shutdown(id) : Promise.resolve();
    // Another tab may have ended it before us.
    ended
      .catch(() => undefined)
      .then(() => this.#start())
      .catch((error: unknown) => {
        this.#lose(this.#reasonOf(error), true);
      });
  }

  readonly #onDisposed = (session: Session.ISessionConnection): void => {
    if (session === this.#session) this.#gone();
  };

  /** A kernel that is restarted, by whomever, knows nothing of our comm, and sends no word about it. */
  readonly #onStatus = (_session: Session.ISessionConnection, status: Kernel.Status): void => {
    if (status === 'autorestarting' || status === 'restarting')
      this.#lose(this.#trans.__('The monitor restarts.'), false);
    else if (status === 'dead') this.#gone();
    else if (this.#comm === undefined && this.#session?.kernel?.connectionStatus === 'connected') this.#openComm();
  };

  /** A restart that was asked for elsewhere changes no status here: all that is heard of it is the old kernel's farewell. */
  readonly #onMessage = (
    _session: Session.ISessionConnection,
    { header, content }: KernelMessage.IIOPubMessage,
  ): void => {
    const type: string = header.msg_type;
    if (type === 'shutdown_reply' && 'restart' in content && content['restart'] === true)
      this.#lose(this.#trans.__('The monitor restarts.'), true);
  };

  readonly #onConnection = (_session: Session.ISessionConnection, status: Kernel.ConnectionStatus): void => {
    if (status === 'connected') {
      this.#downAt = undefined;
      if (this.#comm === undefined) this.#openComm();
      return;
    }
    // A connection that is being made for the first time.
    if (status === 'connecting' && this.#state.value.state === 'starting') return;
    this.#downAt ??= Date.now();
    this.#lose(this.#trans.__('The connection to the Jupyter server is interrupted.'), true);
  };

  #openComm(): void {
    const kernel = this.#session?.kernel;
    if (!kernel) return;
    const comm = kernel.createComm(MONITOR_TARGET);
    this.#comm = comm;
    comm.onMsg = (message: KernelMessage.ICommMsgMsg) => {
      if (this.#comm !== comm) return;
      if (this.#greeting !== undefined) this.#live(comm);
      this.#client.receive(message.content.data);
    };
    comm.onClose = () => {
      if (this.#comm !== comm) return;
      this.#comm = undefined;
      // A kernel that has answered before thought that we were gone: this tab slept.
      if (this.#state.value.state === 'live') this.#lose(this.#trans.__('The monitor has let us go.'), true);
      else
        this.refuse(
          this.#trans.__(
            'The kernel knows no job monitor. Update it with `npx cellburst install`, then reload this page.',
          ),
        );
    };
    this.#greeting = setTimeout(() => {
      this.#lose(this.#trans.__('The monitor does not answer.'), true);
    }, GREETING_MS);
    comm.open({ protocol: MONITOR_PROTOCOL });
  }

  #live(comm: Kernel.IComm): void {
    clearTimeout(this.#greeting);
    this.#greeting = undefined;
    this.#retryMs = FIRST_RETRY_MS;
    this.#state.set({ state: 'live' });
    this.#client.connected((message) => {
      comm.send(toJson(message));
    });
  }

  /** The session is no more. Somebody has ended it, unless the server was away before: then it was restarted, and we start anew. */
  #gone(): void {
    const wasAway = this.#downAt !== undefined && Date.now() - this.#downAt > 500;
    this.#forget();
    this.#lose(this.#trans.__('The monitor was stopped.'), wasAway);
  }

  #lose(message: string, isRetried: boolean): void {
    this.#closeComm();
    this.#state.set({ state: 'lost', message, isRetried });
    clearTimeout(this.#retry);
    if (!isRetried) return;
    this.#retry = setTimeout(() => {
      this.connect();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #closeComm(): void {
    clearTimeout(this.#greeting);
    this.#greeting = undefined;
    const comm = this.#comm;
    this.#comm = undefined;
    if (comm && !comm.isDisposed) {
      // Without a word to the kernel, which may not be there.
      comm.onClose = () => undefined;
      comm.dispose();
    }
    this.#client.disconnected();
  }

  #forget(): void {
    this.#closeComm();
    const session = this.#session;
    this.#session = undefined;
    this.#downAt = undefined;
    if (!session) return;
    session.disposed.disconnect(this.#onDisposed);
    session.statusChanged.disconnect(this.#onStatus);
    session.connectionStatusChanged.disconnect(this.#onConnection);
    session.iopubMessage.disconnect(this.#onMessage);
    // Only our connection to it.
    if (!session.isDisposed) session.dispose();
  }
}

/** By its id, so that all tabs mean the same. */
function firstOf(running: readonly Session.IModel[]): Session.IModel | undefined {
  return running.filter(({ path }) => path === MONITOR_SESSION).sort((a, b) => (a.id < b.id ? -1 : 1))[0];
}

/** Messages are JSON by their types, which an interface cannot tell the compiler. */
function toJson(message: PanelMessage): JSONObject {
  return message as unknown as JSONObject;
}
