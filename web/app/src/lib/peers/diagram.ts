// Where offices and lines stand in the picture: headquarters in the middle, the others around, names readable with five
// offices and with a hundred. Pure geometry; the component only draws.
import type { MapLine, MapView } from '$lib/api/types';
import type { OfficeState } from './offices';

export interface Spot {
  office: OfficeState;
  x: number;
  y: number;
  /** Where its name begins, and how far it is turned, degrees. */
  label: { x: number; y: number; turn: number; anchor: 'start' | 'middle' | 'end' };
}

export interface Wire {
  key: string;
  from: Spot;
  to: Spot;
  /** A path of SVG. */
  path: string;
  /** The middle of it, for its sign. */
  x: number;
  y: number;
  line: MapLine;
}

export interface Diagram {
  width: number;
  height: number;
  /** Of the names, in the picture's own units. */
  font: number;
  spots: Spot[];
  wires: Wire[];
}

/** Up to so many the names lie flat beside their offices. */
const FLAT_MAX = 14;
const FLAT = { width: 960, height: 560, rx: 340, ry: 205, font: 17 };
const FONT = 13;
/** Between two names on the ring. */
const PITCH = 17;
const RADIUS_MIN = 210;
/** Room for a name of ten characters outside the ring. */
const NAME = 150;
const MIDDLE_GAP = 64;

export function diagramOf(offices: readonly OfficeState[], map: MapView | null): Diagram {
  const inside = offices.filter((office) => office.headquarters);
  // Without a headquarters this office is the middle.
  const middle = inside.length > 0 ? inside : offices.filter((office) => office.own);
  const around = offices.filter((office) => !middle.includes(office));
  const flat = around.length <= FLAT_MAX;
  const radius = Math.max(RADIUS_MIN, (around.length * PITCH) / (2 * Math.PI));
  const [width, height] = flat ? [FLAT.width, FLAT.height] : [2 * (radius + NAME), 2 * (radius + NAME)];
  const [rx, ry] = flat ? [FLAT.rx, FLAT.ry] : [radius, radius];
  const centre = { x: width / 2, y: height / 2 };
  const font = flat ? FLAT.font : FONT;
  const spots = [
    ...middle.map((office, i) => inMiddle(office, i, middle.length, centre)),
    ...around.map((office, i) => onRing(office, i / around.length, { rx, ry, flat }, centre)),
  ];
  return { width, height, font, spots, wires: wiresOf(spots, map, centre) };
}

function inMiddle(office: OfficeState, i: number, of: number, centre: { x: number; y: number }): Spot {
  const x = centre.x + (i - (of - 1) / 2) * MIDDLE_GAP * 1.5;
  return { office, x, y: centre.y, label: { x, y: centre.y + 34, turn: 0, anchor: 'middle' } };
}

function onRing(
  office: OfficeState,
  part: number,
  { rx, ry, flat }: { rx: number; ry: number; flat: boolean },
  centre: { x: number; y: number },
): Spot {
  const angle = part * 2 * Math.PI - Math.PI / 2;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const x = centre.x + rx * cos;
  const y = centre.y + ry * sin;
  if (flat) return { office, x, y, label: { x, y: y + (sin < -0.3 ? -18 : 34), turn: 0, anchor: 'middle' } };
  const left = cos < 0;
  const turn = (angle * 180) / Math.PI + (left ? 180 : 0);
  return {
    office,
    x,
    y,
    label: { x: x + 14 * cos, y: y + 14 * sin, turn, anchor: left ? 'end' : 'start' },
  };
}

/** Lines between offices: of several between the same two the best one. */
function wiresOf(spots: readonly Spot[], map: MapView | null, centre: { x: number; y: number }): Wire[] {
  const byNode = new Map((map?.nodes ?? []).map((node) => [node.node, node]));
  const place = new Map(spots.map((spot) => [spot.office.id, spot]));
  const officeOf = (node: string) => {
    const office = byNode.get(node)?.office;
    return place.get(office && typeof office === 'object' ? office.id : `node-${node}`);
  };
  const best = new Map<string, Wire>();
  for (const line of map?.lines ?? []) {
    const [from, to] = [officeOf(line.a), officeOf(line.b)];
    if (!from || !to || from === to) continue;
    const key = [from.office.id, to.office.id].sort().join(' ');
    const known = best.get(key);
    if (!known || weight(line) > weight(known.line)) best.set(key, wire(key, from, to, line, centre));
  }
  return [...best.values()].sort((a, b) => weight(b.line) - weight(a.line));
}

const weight = (line: MapLine): number =>
  (line.state === 'up' ? 4 : line.state === 'cut' ? 2 : 0) + (line.old ? 0 : 1);

/** Lines between two offices of the ring bow towards the middle, so that they do not lie on the ring's names. */
function wire(key: string, from: Spot, to: Spot, line: MapLine, centre: { x: number; y: number }): Wire {
  const straight = [from, to].some(({ office }) => office.headquarters || office.own);
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const bow = straight ? 0 : 0.5;
  const control = { x: middle.x + (centre.x - middle.x) * bow, y: middle.y + (centre.y - middle.y) * bow };
  const round = (n: number) => Math.round(n * 10) / 10;
  const path = `M${round(from.x)} ${round(from.y)}Q${round(control.x)} ${round(control.y)} ${round(to.x)} ${round(to.y)}`;
  // The middle of a curve of the second degree.
  const at = (a: number, c: number, b: number) => a / 4 + c / 2 + b / 4;
  return { key, from, to, path, x: at(from.x, control.x, to.x), y: at(from.y, control.y, to.y), line };
}
