import { arc, pie } from "d3-shape";

import type { Series } from "./model";

const exact = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 6 });

interface Props {
  series: readonly Series[];
  colours: ReadonlyMap<string, number>;
  width: number;
  height: number;
  name: string;
}

/** Shares of a whole; each slice of some size says its share. The same stands beside it as text. */
export function Pie({ series, colours, width, height, name }: Props) {
  const values = series.map((one) => one.points[0]?.y ?? 0);
  const total = values.reduce((sum, value) => sum + value, 0);
  const radius = Math.min(height, width) / 2 - 8;
  const slices = pie<number>().sort(null)(values);
  const shape = arc<(typeof slices)[number]>().innerRadius(radius * 0.5).outerRadius(radius);
  const share = (value: number) => `${total ? Math.round((value / total) * 1000) / 10 : 0} %`;
  return (
    <div className="vd-pie">
      <svg width={radius * 2 + 16} height={height} role="img" aria-label={name}>
        <g transform={`translate(${radius + 8},${height / 2})`}>
          {slices.map((slice, index) => {
            const one = series[index];
            if (!one) return null;
            const [x, y] = shape.centroid(slice);
            return (
              <g key={one.name} className={`vd-colour-${colours.get(one.name) ?? 0}`}>
                <path className="vd-fill vd-slice" d={shape(slice) ?? ""}>
                  <title>{`${one.name}: ${exact.format(slice.value)} (${share(slice.value)})`}</title>
                </path>
                {slice.endAngle - slice.startAngle > 0.35 && (
                  <text className="vd-slice-text" x={x} y={y + 4} textAnchor="middle">{share(slice.value)}</text>
                )}
              </g>
            );
          })}
        </g>
      </svg>
      <dl className="vd-pie-list">
        {series.map((one) => (
          <div key={one.name}>
            <dt>{one.name || '""'}</dt>
            <dd>
              {exact.format(one.points[0]?.y ?? 0)} <span className="vd-muted">{share(one.points[0]?.y ?? 0)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
