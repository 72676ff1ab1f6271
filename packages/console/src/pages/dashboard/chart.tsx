export interface Series {
  name: string;
  /** A Tailwind `fill-` or `stroke-` class and the matching `bg-` for the legend. */
  fill: string;
  swatch: string;
  values: readonly number[];
}

const WIDTH = 300;
const HEIGHT = 80;
const GAP = 2;

/** Stacked bars over time. Who cannot see them has the figures as a table. */
export function BarChart({
  title,
  total,
  series,
  labels,
  format,
}: {
  title: string;
  total: string;
  series: readonly Series[];
  labels: readonly string[];
  format: (value: number) => string;
}) {
  const sums = labels.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
  const most = Math.max(...sums, 0);
  const step = WIDTH / labels.length;
  return (
    <figure className="rounded-lg border border-line bg-surface p-4">
      <figcaption className="mb-2 flex flex-wrap items-baseline justify-between gap-x-2">
        <span className="text-soft">{title}</span>
        <span className="text-lg font-semibold tabular-nums">{total}</span>
      </figcaption>
      <svg role="img" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="h-20 w-full">
        <title>{`${title}: ${total}`}</title>
        <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} className="stroke-line" strokeWidth="2" />
        {labels.map((label, at) => {
          let below = 0;
          return (
            <g key={label}>
              <title>{`${label}: ${format(sums[at] ?? 0)}`}</title>
              <rect x={at * step} y="0" width={step} height={HEIGHT} fill="transparent" />
              {series.map(({ name, fill, values }) => {
                const height = most === 0 ? 0 : ((values[at] ?? 0) / most) * (HEIGHT - 4);
                below += height;
                return (
                  <rect
                    key={name}
                    x={at * step + GAP / 2}
                    y={HEIGHT - below}
                    width={step - GAP}
                    height={height}
                    className={fill}
                  />
                );
              })}
            </g>
          );
        })}
      </svg>
      <div className="mt-1 flex justify-between text-xs text-soft">
        <span>{labels[0]}</span>
        {series.length > 1 && (
          <span className="flex gap-3">
            {series.map(({ name, swatch }) => (
              <span key={name} className="flex items-center gap-1">
                <span aria-hidden="true" className={`size-2 rounded-sm ${swatch}`} />
                {name}
              </span>
            ))}
          </span>
        )}
        <span>now</span>
      </div>
      <table className="sr-only">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            {series.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, at) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              {series.map(({ name, values }) => (
                <td key={name}>{format(values[at] ?? 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
