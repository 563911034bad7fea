// Draws the figures of the lead's page. ECharts is global; the tables beside the charts say the same.

const drawn = [];

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const percent = (share) => (share === null ? "—" : `${(share * 100).toFixed(1)}%`);

function base() {
  return {
    animation: false,
    textStyle: { color: color("ink"), fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 8, right: 16, top: 32, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 14, itemHeight: 10, textStyle: { color: color("ink") } },
    // Rich text is painted: a box of HTML would bring styles that the page's security policy refuses.
    tooltip: { trigger: "axis", renderMode: "richText", axisPointer: { type: "shadow", shadowStyle: { opacity: 0.15 } }, backgroundColor: color("card"), borderColor: color("line"), textStyle: { color: color("ink") } },
  };
}

function numbers(more) {
  return { type: "value", axisLabel: { color: color("quiet") }, splitLine: { lineStyle: { color: color("line") } }, minInterval: 1, ...more };
}

function names(data, more) {
  return { type: "category", data, axisLabel: { color: color("ink") }, axisLine: { lineStyle: { color: color("edge") } }, axisTick: { show: false }, ...more };
}

function waiting({ levels, ages, counts }) {
  return {
    ...base(),
    xAxis: numbers(),
    yAxis: names(levels, { inverse: true }),
    series: ages.map((age, i) => ({ type: "bar", name: age, stack: "all", data: counts[i], barMaxWidth: 26, itemStyle: { color: color(`age-${i + 1}`) } })),
  };
}

function flow({ labels, answered, for_people: forPeople, settled }) {
  const line = (name, data, which, symbol) => ({ type: "line", name, data, symbol, symbolSize: 6, showSymbol: labels.length < 40, itemStyle: { color: color(which) }, lineStyle: { width: 2 } });
  return {
    ...base(),
    xAxis: names(labels, { axisLabel: { color: color("quiet") } }),
    yAxis: numbers(),
    series: [
      { type: "bar", name: "来件", data: answered, barMaxWidth: 26, itemStyle: { color: color("line") } },
      line("需人工", forPeople, "series-2", "rect"),
      line("办结", settled, "series-1", "circle"),
    ],
  };
}

/** Bars of shares, levels in another colour than families. */
function taken({ names: labels, values, totals, levels }) {
  return {
    ...base(),
    legend: { show: false },
    grid: { left: 8, right: 24, top: 8, bottom: 4, containLabel: true },
    xAxis: numbers({ min: 0, max: 1, minInterval: 0, axisLabel: { color: color("quiet"), formatter: (share) => `${Math.round(share * 100)}%` } }),
    yAxis: names(labels, { inverse: true }),
    tooltip: { ...base().tooltip, formatter: ([at]) => `${at.name}  ${percent(values[at.dataIndex])}（${totals[at.dataIndex]} 件）` },
    series: [{ type: "bar", data: values.map((value, i) => ({ value, itemStyle: { color: color(i < levels ? "series-3" : "series-1") } })), barMaxWidth: 16 }],
  };
}

/** A bar from the lower to the upper bound, a point at the value, a line at the promise. */
function audits({ names: labels, values, low, high, totals, promised }) {
  const from = Math.max(0, Math.floor((Math.min(...low, promised ?? 1) - 0.02) * 10) / 10);
  const share = (value) => `${Math.round(value * 100)}%`;
  return {
    ...base(),
    legend: { show: false },
    grid: { left: 8, right: 24, top: 24, bottom: 4, containLabel: true },
    xAxis: numbers({ min: from, max: 1, minInterval: 0, axisLabel: { color: color("quiet"), formatter: share } }),
    yAxis: names(labels, { inverse: true }),
    tooltip: { ...base().tooltip, formatter: ([at]) => { const i = at.dataIndex; return `${labels[i]}  ${percent(values[i])}，95% 区间 ${percent(low[i])}–${percent(high[i])}（${totals[i]} 件）`; } },
    series: [
      { type: "bar", stack: "interval", data: low, barWidth: 8, itemStyle: { color: "transparent" }, silent: true },
      { type: "bar", stack: "interval", data: high.map((top, i) => top - low[i]), barWidth: 8, itemStyle: { color: color("edge"), opacity: 0.6 } },
      {
        type: "scatter", data: values.map((value, i) => [value, i]), symbolSize: 11, itemStyle: { color: color("series-1") },
        markLine: promised === null ? undefined : { symbol: "none", silent: true, data: [{ xAxis: promised }], lineStyle: { color: color("danger"), width: 2 }, label: { formatter: `承诺 ${percent(promised)}`, color: color("danger"), position: "start" } },
      },
    ],
  };
}

function returns({ names: labels, counts }) {
  return {
    ...base(),
    legend: { show: false },
    grid: { left: 8, right: 32, top: 8, bottom: 4, containLabel: true },
    xAxis: numbers(),
    yAxis: names(labels, { inverse: true }),
    series: [{ type: "bar", name: "退单", data: counts, barMaxWidth: 16, itemStyle: { color: color("series-2") }, label: { show: true, position: "right", color: color("ink") } }],
  };
}

const charts = { waiting, flow, taken, audits, returns };

/** Draw every chart on the page from the data of /desk/charts.json. */
export function draw(data) {
  while (drawn.length) drawn.pop().dispose();
  for (const box of document.querySelectorAll("[data-chart]")) {
    const chart = globalThis.echarts.init(box);
    chart.setOption(charts[box.dataset.chart](data[box.dataset.chart]));
    drawn.push(chart);
  }
}

addEventListener("resize", () => { for (const chart of drawn) chart.resize(); });
