"use strict";
(() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  document.documentElement.classList.add("drawn");
  const drawn = [];
  const percent = (value) => (value * 100).toFixed(1) + "%";
  const axis = (value) => Math.round(value * 100) + "%";
  const safe = echarts.format.encodeHTML;

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue("--" + name).trim();
    return { ink: of("ink"), quiet: of("quiet"), line: of("line"), accent: of("accent"), paper: of("paper"), good: of("good"), bad: of("bad"), grey: of("grey-bar") };
  }

  function base(c, x, y) {
    const side = (title, more) => ({
      type: "value", name: title, nameLocation: "middle", nameTextStyle: { color: c.quiet, fontSize: 13 },
      axisLabel: { color: c.quiet, formatter: axis }, axisLine: { show: true, lineStyle: { color: c.line } },
      splitLine: { lineStyle: { color: c.line } }, ...more,
    });
    return {
      animation: false,
      textStyle: { fontFamily: "inherit", color: c.ink },
      grid: { left: 64, right: 24, top: 44, bottom: 56 },
      legend: { top: 4, left: 56, itemGap: 22, textStyle: { color: c.ink }, inactiveColor: c.quiet },
      tooltip: { trigger: "item", confine: true, backgroundColor: c.paper, borderColor: c.line, textStyle: { color: c.ink } },
      xAxis: side(x.title, { nameGap: 32, ...x.more }),
      yAxis: side(y.title, { nameGap: 44, ...y.more }),
    };
  }

  function floor(values) {
    return Math.max(0, Math.floor(Math.min(...values) * 10 - 0.2) / 10);
  }

  const draw = {
    curve(c) {
      const points = (curve) => curve.coverage.map((value, row) => [value, curve.precision[row]]);
      const places = (curve) => [["自动 auto", curve.auto], ["自动和预选 auto + preselect", curve.auto_and_preselect]]
        .filter(([, point]) => point[1] !== null).map(([name, point]) => ({ name, value: point, label: point[0] > 0.8 ? { position: "left" } : {} }));
      const own = data.curve, old = data.champion.curve;
      const all = [own, ...(old ? [old] : [])];
      // The surest few tickets alone say little: a curve starts where 2% are covered.
      const low = floor(all.flatMap((curve) => points(curve).filter((p) => p[0] >= 0.02).map((p) => p[1]).concat(places(curve).map((p) => p.value[1]))));
      const line = (name, curve, colour, more) => ({ name, type: "line", showSymbol: false, data: points(curve), lineStyle: { color: colour, width: 2.5, ...more }, itemStyle: { color: colour }, tooltip: { show: false } });
      const dots = (name, curve, colour) => ({
        name, type: "scatter", symbolSize: 13, data: places(curve), itemStyle: { color: colour, borderColor: c.paper, borderWidth: 2 }, z: 5,
        label: { show: colour === c.accent, position: "top", distance: 8, formatter: (p) => p.name.split(" ")[0] + " " + axis(p.value[0]) + " / " + percent(p.value[1]), color: c.ink, textBorderColor: c.paper, textBorderWidth: 3 },
      });
      return {
        ...base(c, { title: "覆盖率 coverage", more: { min: 0, max: 1 } }, { title: "精确率 precision", more: { min: low, max: 1 } }),
        tooltip: { ...base(c, {}, {}).tooltip, formatter: (p) => p.seriesType === "scatter" ? safe(p.seriesName) + "<br>" + safe(p.name) + "<br>覆盖率 " + percent(p.value[0]) + "<br>精确率 " + percent(p.value[1]) : "" },
        series: [
          ...(old ? [line("现役模型", old, c.quiet, { type: "dashed", width: 2 }), dots("现役策略", old, c.quiet)] : []),
          { ...line(old ? "候选模型" : "一个阈值", own, c.accent), markLine: { silent: true, symbol: "none", data: [{ yAxis: own.promised }], lineStyle: { color: c.good, type: "dotted", width: 1.5 }, label: { formatter: "承诺 " + axis(own.promised), position: "insideStartTop", color: c.good } } },
          dots(old ? "候选策略" : "现行策略", own, c.accent),
        ],
      };
    },
    reliability(c) {
      const points = (bins) => bins.map((bin) => ({ value: [bin.mean_confidence, bin.accuracy], tickets: bin.tickets }));
      const line = (name, bins, colour, more) => ({ name, type: "line", symbol: "circle", symbolSize: 9, data: points(bins), lineStyle: { color: colour, width: 2, ...more }, itemStyle: { color: colour } });
      const option = base(c, { title: "平均分数 mean score", more: { min: 0, max: 1 } }, { title: "首选正确率 accuracy", more: { min: 0, max: 1 } });
      const old = data.champion.reliability;
      option.tooltip.formatter = (p) => p.data.tickets ? safe(p.seriesName) + "<br>" + p.data.tickets + " 件<br>平均分数 " + percent(p.value[0]) + "<br>正确率 " + percent(p.value[1]) : "";
      option.series = [
        { name: "完全校准", type: "line", showSymbol: false, data: [[0, 0], [1, 1]], lineStyle: { color: c.quiet, type: "dotted", width: 1.5 }, itemStyle: { color: c.quiet } },
        ...(old ? [line("现役模型", old, c.grey, { type: "dashed" })] : []),
        line(old ? "候选模型" : "模型", data.reliability, c.accent),
      ];
      return option;
    },
    families(c) {
      const option = base(c,
        { title: "工单数（对数）tickets", more: { type: "log", logBase: 10, min: 4, axisLabel: { color: c.quiet, formatter: (value) => String(Math.round(value)) } } },
        { title: "首选正确率 top-1", more: { min: 0, max: 1 } });
      const shown = data.families.filter((row) => row.tickets >= 5 && row.name !== "none");
      // A name is shown where no larger family's name is in its way.
      const most = Math.max(1, ...shown.map((row) => row.tickets));
      const named = [];
      for (const row of [...shown].sort((a, b) => b.tickets - a.tickets)) {
        const free = named.every((other) => Math.abs(Math.log10(other.tickets / row.tickets)) > 0.45 || Math.abs(other.top1 - row.top1) > 0.055);
        if (row.tickets >= 20 && free) named.push(row);
      }
      const names = new Set(named.map((row) => row.name));
      option.legend.show = false;
      option.grid.top = 20;
      option.tooltip.formatter = (p) => safe(p.name) + "<br>" + p.value[0] + " 件<br>首选正确 " + percent(p.value[1]) + "<br>自动派单 " + percent(p.data.auto);
      option.series = [{
        type: "scatter", data: shown.map((row) => ({ name: row.name, value: [row.tickets, row.top1], auto: row.auto, label: { position: row.tickets > most / 3 ? "left" : "right" } })),
        symbolSize: 11, itemStyle: { color: c.accent, opacity: 0.75 },
        label: { show: true, formatter: (p) => names.has(p.name) ? p.name : "", color: c.ink, fontSize: 12 },
      }];
      return option;
    },
  };

  function paint() {
    const c = colours();
    drawn.splice(0).forEach((chart) => chart.dispose());
    document.querySelectorAll("[data-chart]").forEach((place) => {
      const chart = echarts.init(place, null, { renderer: "svg" });
      chart.setOption(draw[place.dataset.chart](c));
      drawn.push(chart);
    });
  }

  const resize = () => drawn.forEach((chart) => chart.resize());
  const opened = [];
  paint();
  window.addEventListener("resize", resize);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not([open])").forEach((part) => { part.open = true; opened.push(part); });
    resize();
  });
  window.addEventListener("afterprint", () => {
    opened.splice(0).forEach((part) => { part.open = false; });
    resize();
  });
})();
