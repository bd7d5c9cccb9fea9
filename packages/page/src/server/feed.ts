import type { ServerResponse } from 'node:http';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { type Clock, systemClock } from '@blockyard/block';
import type { BlockMap } from '@blockyard/cache';
import { RequestError } from '@blockyard/http-api';
import type { Controls } from '../controls.js';
import type { CellMessage, FactsMessage } from '../shared/messages.js';
import type { PageLook, PageSource, TierOf } from '../source.js';
import { countersOf } from './counters.js';
import { Picture } from './picture.js';
import { TierCells } from './tier-cells.js';
import { clampView, type View } from './view.js';
import { Viewer } from './viewer.js';

/** Between two frames at least, and between two looks at counters, status and controls. */
const FRAME_MS = 200;
const FACTS_MS = 500;
/** Largest part of the time that goes into looking, so that the device's clients do not notice it. */
const LOOK_SHARE_MAX = 0.01;
/** What is on a local disk is looked for so long in each look, all views together. */
const TIER_MS = 1;
/** How long the map is worked on before others go first. */
const STEP_MS = 1;
/** A look that fails is made again after so long. */
const RETRY_MS = 1000;
/** Lines of the story that are sent: the last ones. */
const STORY_LINES_MAX = 100;
const STORY_LINE_LENGTH_MAX = 500;

export interface FeedOptions {
  readonly source: PageSource;
  readonly controls: () => Controls | undefined;
  /** What there is to choose from. */
  readonly names: () => readonly string[];
  /** Whether there are those who may change something. */
  readonly takesChanges: boolean;
  /** No one looks any longer. */
  readonly onLeft: () => void;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Milliseconds that the process has worked. Default: the system's. */
  readonly workedMs?: () => number;
}

/** What is seen by all viewers with the same view. */
interface Shared {
  readonly view: View;
  picture: Picture;
  generation: number;
  range: { readonly start: number; readonly count: number };
  tier: TierCells | undefined;
}

/** Looks at a device while someone wants to see it, and tells all who do. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #clock: Clock;
  readonly #workedMs: () => number;
  readonly #viewers = new Map<string, Viewer>();
  readonly #shared = new Map<string, Shared>();
  #identity: unknown;
  #generation = 0;
  #factsAtMs = Number.NEGATIVE_INFINITY;
  /** The map is not looked at before. */
  #mapAtMs = Number.NEGATIVE_INFINITY;
  #isRunning = false;
  #wake: (() => void) | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#workedMs = options.workedMs ?? systemWorkedMs;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  has(viewerId: string): boolean {
    return this.#viewers.has(viewerId);
  }

  open(response: ServerResponse, view: View): void {
    const viewer = new Viewer(response, view);
    this.#viewers.set(viewer.id, viewer);
    response.once('close', () => this.#leave(viewer));
    this.#factsAtMs = Number.NEGATIVE_INFINITY;
    this.#mapAtMs = Number.NEGATIVE_INFINITY;
    this.#wake?.();
    if (!this.#isRunning) void this.#run();
  }

  /** What is in a cell of what a viewer sees. Throws a `RequestError` if there is no such viewer or cell. */
  cell(viewerId: string, cell: number): CellMessage {
    const viewer = this.#viewers.get(viewerId);
    const shared = viewer && this.#shared.get(keyOf(viewer.view));
    const map = shared?.picture.map;
    if (map === undefined || !(cell >= 0 && cell < map.cells)) throw new RequestError('BAD_REQUEST', 'no such cell');
    const { start, count } = shared?.range ?? { start: 0, count: 0 };
    const startSector = start + cell * map.cellSectors;
    const countSectors = Math.min(map.cellSectors, start + count - startSector);
    return { startSector, countSectors, sectors: shared?.picture.sectorsOf(cell) ?? {} };
  }

  end(): void {
    for (const viewer of this.#viewers.values()) viewer.end();
    this.#wake?.();
  }

  #leave(viewer: Viewer): void {
    this.#viewers.delete(viewer.id);
    const key = keyOf(viewer.view);
    const isSeen = [...this.#viewers.values()].some(({ view }) => keyOf(view) === key);
    if (!isSeen) this.#shared.delete(key);
    if (this.#viewers.size > 0) return;
    this.#wake?.();
    this.#options.onLeft();
  }

  /** Never rejects. Ends when no one looks. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#viewers.size > 0) {
      let pauseMs = FRAME_MS;
      try {
        pauseMs = await this.#lookOnce();
      } catch {
        // A device that ends while it is looked at: there is a new one soon, or none.
        pauseMs = RETRY_MS;
      }
      await this.#pause(pauseMs);
    }
    this.#isRunning = false;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const handle = this.#clock.set(() => this.#wake?.(), ms);
      this.#wake = () => {
        this.#wake = undefined;
        this.#clock.clear(handle);
        resolve();
      };
    });
  }

  /** Gives how long there is nothing to look for, in milliseconds. */
  async #lookOnce(): Promise<number> {
    const look = await this.#options.source.look();
    if (look !== undefined && look.identity !== this.#identity) {
      this.#identity = look.identity;
      this.#generation++;
    }
    const nowMs = this.#clock.now();
    if (nowMs - this.#factsAtMs >= FACTS_MS) {
      this.#factsAtMs = nowMs;
      this.#showFacts(look);
    }
    const untilFactsMs = () => this.#factsAtMs + FACTS_MS - this.#clock.now();
    if (look?.map === undefined) return Math.max(FRAME_MS, untilFactsMs());
    const isTierLeft = look.tier !== undefined && this.#lookForTier(look.tier);
    if (nowMs >= this.#mapAtMs) {
      this.#mapAtMs = nowMs;
      let spentMs = 0;
      for (const viewers of this.#byView().values()) spentMs += await this.#showMap(look, viewers);
      // Unless someone came meanwhile, who is to see it soon.
      if (this.#mapAtMs === nowMs) this.#mapAtMs = nowMs + spentMs / LOOK_SHARE_MAX;
    }
    if (isTierLeft) return FRAME_MS;
    return Math.max(FRAME_MS, Math.min(untilFactsMs(), this.#mapAtMs - this.#clock.now()));
  }

  /** One view after the other, a little of each. Whether there is more to do. */
  #lookForTier(tierOf: TierOf): boolean {
    const startMs = this.#clock.now();
    const left = [...this.#shared.values()].map(({ tier }) => tier).filter((tier) => tier !== undefined);
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      if (next.step(tierOf, startMs)) left.push(next);
      if (this.#clock.now() - startMs >= TIER_MS) break;
    }
    return left.length > 0;
  }

  #showFacts(look: PageLook | undefined): void {
    const { takesChanges } = this.#options;
    const controls = this.#options.controls();
    const facts = this.#factsOf(look);
    const panel = controls && {
      controls: controls.list(),
      story: (controls.story?.() ?? []).slice(-STORY_LINES_MAX).map((line) => line.slice(0, STORY_LINE_LENGTH_MAX)),
      takesChanges,
    };
    for (const viewer of this.#ready(this.#viewers.values())) {
      viewer.show('facts', facts);
      if (panel !== undefined) viewer.show('controls', panel);
    }
  }

  #factsOf(look: PageLook | undefined): FactsMessage {
    const atMs = Date.now();
    const names = this.#options.names();
    if (look === undefined) return { atMs, names, device: null, status: null, counters: null };
    const { name, sectorSize, sizeSectors, readOnly } = look.info;
    const hasMap = look.map !== undefined;
    const { snapshots } = look;
    const [exportName = null] = Object.keys(snapshots.exports);
    return {
      atMs,
      names,
      device: { generation: this.#generation, name, exportName, sectorSize, sizeSectors, readOnly, hasMap },
      status: look.status ?? null,
      counters: countersOf(snapshots),
    };
  }

  #byView(): Map<string, Viewer[]> {
    const byView = new Map<string, Viewer[]>();
    for (const viewer of this.#ready(this.#viewers.values())) {
      const key = keyOf(viewer.view);
      byView.set(key, [...(byView.get(key) ?? []), viewer]);
    }
    return byView;
  }

  async #showMap({ map: mapOf, tier: tierOf, info }: PageLook, viewers: readonly Viewer[]): Promise<number> {
    const [first] = viewers;
    if (mapOf === undefined || first === undefined) return 0;
    const { view } = first;
    const range = clampView(view, info.sizeSectors);
    const { map, spentMs } = await this.#finish(mapOf(range.start, range.count, view.maxCells));
    const shared = this.#sharedOf(view);
    const shows = this.#timed(() => {
      shared.range = range;
      const cells = { ...range, cellSectors: map.cellSectors };
      if (tierOf === undefined) shared.tier = undefined;
      else if (shared.tier?.isOf(cells) !== true) shared.tier = new TierCells(cells);
      shared.picture.update(map, range.count, this.#clock.now(), shared.tier?.sectors);
      const frame = {
        atMs: Date.now(),
        startSector: range.start,
        countSectors: range.count,
        cellSectors: map.cellSectors,
        cells: map.cells,
      };
      for (const viewer of this.#ready(viewers)) viewer.showCells(frame, shared.picture.bytes);
    });
    return spentMs + shows;
  }

  /** Another device has another past: nothing has left it. */
  #sharedOf(view: View): Shared {
    const key = keyOf(view);
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = {
        view,
        picture: new Picture(),
        generation: this.#generation,
        range: { start: 0, count: 0 },
        tier: undefined,
      };
      // A viewer that has left meanwhile needs none.
      if ([...this.#viewers.values()].some((viewer) => keyOf(viewer.view) === key)) this.#shared.set(key, shared);
    }
    if (shared.generation !== this.#generation) {
      shared.picture = new Picture();
      shared.tier = undefined;
    }
    shared.generation = this.#generation;
    return shared;
  }

  async #finish(work: Generator<undefined, BlockMap, undefined> | Promise<BlockMap>) {
    if (!('next' in work)) return { map: await work, spentMs: 0 };
    let spentMs = 0;
    let done: BlockMap | undefined;
    for (;;) {
      const startMs = this.#clock.now();
      spentMs += this.#timed(() => {
        let stepped = work.next();
        while (stepped.done !== true && this.#clock.now() - startMs < STEP_MS) stepped = work.next();
        if (stepped.done === true) done = stepped.value;
      });
      if (done !== undefined) return { map: done, spentMs };
      await yieldToEventLoop();
    }
  }

  *#ready(viewers: Iterable<Viewer>): Generator<Viewer> {
    const nowMs = this.#clock.now();
    for (const viewer of viewers) if (viewer.isReady(nowMs)) yield viewer;
  }

  /** Milliseconds of work. On a busy machine more time may pass, which is others'. */
  #timed(work: () => void): number {
    const [startMs, workedMs] = [this.#clock.now(), this.#workedMs()];
    work();
    return Math.min(this.#clock.now() - startMs, this.#workedMs() - workedMs);
  }
}

function systemWorkedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function keyOf({ startSector, countSectors, maxCells }: View): string {
  return [startSector, countSectors, maxCells].join();
}
