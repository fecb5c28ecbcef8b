// Numbers as people read them.

/** `0:07`, `12:03`, `1:02:11`, `3 d 04:10`. Digits keep their places, so that a running clock does not wobble. */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}

/** Memory as schedulers count it: 1 GB is 1024 MiB. */
export function formatMemory(mebibytes: number): string {
  if (mebibytes < 1024) return `${Math.round(mebibytes)} MB`;
  return `${trim(mebibytes / 1024)} GB`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${trim(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${trim(bytes / 1e6)} MB`;
  return `${trim(bytes / 1e9)} GB`;
}

function trim(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '');
}
