"use strict";
(() => {
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAY_MS = 86400000;
  const MINUS = "\u2212";
  const DASH = "\u2013";

  // Amounts stay text from the server to the screen, so that no digit passes through a float.
  const grouped = (text) => {
    const [whole, part] = text.replace("-", "").split(".");
    const sign = text.startsWith("-") ? MINUS : "";
    return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "");
  };

  const crosshair = (figure, readings) => {
    const plots = figure.querySelector(".plots");
    const valuePlot = plots.querySelector(".plot.value");
    const depthPlot = plots.querySelector(".plot.drawdown");
    const field = (name) => figure.querySelector(`[data-reading="${name}"]`);
    const count = readings.offsets.length;
    const start = Date.parse(readings.start);
    let current = count - 1;

    const dayText = (index) => {
      const day = new Date(start + readings.offsets[index] * DAY_MS);
      return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
    };
    const point = (plot, x, y) => {
      const line = plot.querySelector(".cross");
      const dot = plot.querySelector(".reading");
      line.setAttribute("x1", `${x}%`);
      line.setAttribute("x2", `${x}%`);
      dot.setAttribute("cx", `${x}%`);
      if (y === null) dot.setAttribute("r", "0");
      else {
        dot.setAttribute("r", "3.5");
        dot.setAttribute("cy", `${y}%`);
      }
    };
    const show = (index) => {
      current = Math.max(0, Math.min(count - 1, index));
      const value = readings.value[current];
      const depth = readings.drawdown[current];
      const x = readings.span ? (readings.offsets[current] / readings.span) * 100 : 50;
      const height = ((readings.high - Number(value)) / (readings.high - readings.low)) * 100;
      point(valuePlot, x, height);
      if (depthPlot) {
        point(depthPlot, x, depth === null ? null : Number(depth) / readings.floor);
        field("drawdown").textContent = depth === null ? DASH : `${grouped(depth)}%`;
      }
      field("day").textContent = dayText(current);
      field("value").textContent = grouped(value);
      field("contributed").textContent = grouped(readings.contributed[current]);
      plots.setAttribute("aria-valuenow", String(current));
      plots.setAttribute("aria-valuetext", `${dayText(current)}, value ${grouped(value)}`);
    };
    const nearest = (offset) => {
      let low = 0;
      let high = count - 1;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (readings.offsets[middle] <= offset) low = middle;
        else high = middle;
      }
      return offset - readings.offsets[low] <= readings.offsets[high] - offset ? low : high;
    };

    plots.addEventListener("pointermove", (event) => {
      const box = valuePlot.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      figure.classList.add("reading-on");
      show(nearest(share * readings.span));
    });
    const leave = () => {
      if (document.activeElement === plots) return;
      show(count - 1);
      figure.classList.remove("reading-on");
    };
    plots.addEventListener("pointerleave", leave);
    plots.addEventListener("blur", leave);
    plots.addEventListener("focus", () => figure.classList.add("reading-on"));
    plots.addEventListener("keydown", (event) => {
      const page = Math.max(1, Math.round(count / 20));
      const targets = {
        ArrowLeft: current - 1, ArrowDown: current - 1, ArrowRight: current + 1, ArrowUp: current + 1,
        PageDown: current - page, PageUp: current + page, Home: 0, End: count - 1,
      };
      if (!(event.key in targets)) return;
      event.preventDefault();
      show(targets[event.key]);
    });
    plots.tabIndex = 0;
    plots.setAttribute("role", "slider");
    plots.setAttribute("aria-label", "Day to read, with the arrow keys");
    plots.setAttribute("aria-valuemin", "0");
    plots.setAttribute("aria-valuemax", String(count - 1));
    show(count - 1);
  };

  const compare = (a, b, descending) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // what is missing stays last
    const numbers = [Number(a), Number(b)];
    const order = numbers.some(Number.isNaN) ? a.localeCompare(b, "en") : numbers[0] - numbers[1];
    return descending ? -order : order;
  };

  const sortable = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const descending = before ? before === "ascending" : head.classList.contains("right");
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.sort ?? "";
        body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b), descending)));
      });
    });
  };

  const figure = document.getElementById("time-figure");
  const readings = document.getElementById("readings");
  if (figure && readings) crosshair(figure, JSON.parse(readings.textContent));
  document.querySelectorAll("table[data-sortable]").forEach(sortable);
})();
