// The time limits on the page run.

function words(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / 60000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days) return `${days} 天 ${hours} 小时`;
  return hours ? `${hours} 小时 ${minutes % 60} 分` : `${minutes} 分钟`;
}

export function tick() {
  for (const box of document.querySelectorAll("[data-due]")) {
    const left = new Date(box.dataset.due) - Date.now();
    box.textContent = left < 0 ? `已超时 ${words(left)}` : `剩 ${words(left)}`;
    box.classList.toggle("late", left < 0);
    box.classList.toggle("soon", left >= 0 && left < 3600000);
  }
}

setInterval(tick, 10000);
