/** The results as a picture: how far ahead or behind each figure is, and how cost grows. */

import { type FigureResult, meetsTarget, type Report, ratioOf, spreadOf } from './statistics.ts';
import { formatNumber } from './table.ts';

const width = 980;
const labelWidth = 470;
const rowHeight = 16;
const margin = 24;
/** The scale of ratios ends at so many times faster or slower. */
const maxFactor = 16;
const chart = { width: 300, height: 190, perLine: 3, left: 58, right: 14, top: 26, bottom: 40 };
const colours = { ours: '#0b7285', upstream: '#e67700', behind: '#c92a2a', grid: '#ced4da', text: '#212529' };

/** @returns a document of SVG */
export function drawReport(report: Report): string {
  const compared = report.figures.filter((result) => !Number.isNaN(ratioOf(result).median));
  const ratios = drawRatios(compared);
  const curves = drawCurves(compared, ratios.height + margin);
  const height = ratios.height + margin + curves.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="system-ui, sans-serif" font-size="11" fill="${colours.text}">`,
    '<title>Our etcd beside upstream’s</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...[ratios.svg, curves.svg, '</svg>\n'],
  ].join('\n');
}

interface Drawing {
  readonly svg: string;
  readonly height: number;
}

/** Bars from 1 to the right where ours is ahead, to the left where it is behind, on a logarithmic scale. */
function drawRatios(results: readonly FigureResult[]): Drawing {
  const left = labelWidth + margin;
  const plotWidth = width - left - margin;
  const x = (gain: number): number => {
    const bounded = Math.min(maxFactor, Math.max(1 / maxFactor, gain));
    return left + (plotWidth * (Math.log2(bounded) + Math.log2(maxFactor))) / (2 * Math.log2(maxFactor));
  };
  const height = 2 * margin + results.length * rowHeight;
  const parts = [text(margin, margin - 8, 'times better (right) or worse (left) than upstream', 'start', true)];
  for (let factor = 1 / maxFactor; factor <= maxFactor; factor *= 2) {
    const name = factor < 1 ? `1/${1 / factor}` : String(factor);
    parts.push(
      line(x(factor), margin, x(factor), height - margin, colours.grid),
      text(x(factor), height - margin + 14, name),
    );
  }
  for (const [i, result] of results.entries()) {
    const y = margin + i * rowHeight;
    const gainOf = (ratio: number): number => (result.better === 'higher' ? ratio : 1 / ratio);
    const { median, min, max } = ratioOf(result);
    const [from, to] = [x(1), x(gainOf(median))].toSorted((a, b) => a - b) as [number, number];
    const colour = gainOf(median) < 1 ? colours.behind : colours.ours;
    const middle = y + rowHeight / 2;
    const mark = meetsTarget(result) === false ? ' ✗' : meetsTarget(result) === true ? ' ✓' : '';
    parts.push(
      text(left - 8, middle + 4, `${result.fullTitle}${mark}`, 'end'),
      `<rect x="${round(from)}" y="${y + 3}" width="${round(Math.max(1, to - from))}" height="${rowHeight - 6}" fill="${colour}"/>`,
      line(x(gainOf(min)), middle, x(gainOf(max)), middle, colours.text),
    );
    if (result.target !== undefined) {
      const at = x(gainOf(result.target));
      parts.push(line(at, y + 1, at, y + rowHeight - 1, colours.upstream));
    }
  }
  return { svg: parts.join('\n'), height };
}

/** One small chart for each figure that was measured at several sizes. */
function drawCurves(results: readonly FigureResult[], top: number): Drawing {
  const groups = Map.groupBy(
    results.filter(({ growth }) => growth !== undefined),
    ({ growth }) => `${growth?.of}, with ${growth?.with}`,
  );
  const charts = [...groups].filter(([, points]) => points.length > 1);
  const parts = charts.map(([title, points], i) => {
    const x = margin + (i % chart.perLine) * (chart.width + 10);
    const y = top + Math.floor(i / chart.perLine) * (chart.height + 10);
    return `<g transform="translate(${x} ${y})">\n${drawCurve(title, points)}\n</g>`;
  });
  return { svg: parts.join('\n'), height: Math.ceil(charts.length / chart.perLine) * (chart.height + 10) + margin };
}

function drawCurve(title: string, points: readonly FigureResult[]): string {
  const at = (result: FigureResult): number => result.growth?.at ?? 1;
  const lines = (['ours', 'upstream'] as const).map((engine) => ({
    engine,
    values: points.map((point) => [at(point), spreadOf(point[engine]).median] as const),
  }));
  const all = lines.flatMap(({ values }) => values.map(([, value]) => value));
  const x = logarithmic(points.map(at), chart.left, chart.width - chart.right);
  const y = logarithmic(all, chart.height - chart.bottom, chart.top);
  const parts = [
    text(chart.left, 14, `${title} (${points[0]?.unit})`, 'start', true),
    line(chart.left, chart.height - chart.bottom, chart.width - chart.right, chart.height - chart.bottom, colours.grid),
    ...points.map((point) => text(x(at(point)), chart.height - chart.bottom + 14, formatSize(at(point)))),
    ...[Math.min(...all), Math.max(...all)].map((value) =>
      text(chart.left - 6, y(value) + 4, formatNumber(value), 'end'),
    ),
  ];
  for (const [i, { engine, values }] of lines.entries()) {
    const path = values.map(([size, value]) => `${round(x(size))},${round(y(value))}`).join(' ');
    const colour = colours[engine];
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<text x="${chart.left + i * 60}" y="${chart.height - 6}" fill="${colour}">${engine}</text>`,
    );
  }
  return parts.join('\n');
}

/** @returns where a value lies between `from` and `to`, on a logarithmic scale that spans all values */
function logarithmic(values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  return (value) => (high === low ? from : from + ((to - from) * (Math.log(value) - low)) / (high - low));
}

function formatSize(size: number): string {
  if (size >= 1e6) return `${Math.round(size / 1e6)}M`;
  return size >= 1000 ? `${Math.round(size / 1000)}k` : String(size);
}

function text(x: number, y: number, words: string, anchor = 'middle', isBold = false): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const weight = isBold ? ' font-weight="600"' : '';
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${weight}>${escaped}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
