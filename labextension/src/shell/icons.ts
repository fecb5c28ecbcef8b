// Our icon: cells that leave a notebook.
import { LabIcon } from '@jupyterlab/ui-components';

export const jobsIcon = new LabIcon({
  name: 'cellburst:jobs',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 22 22">
  <g class="jp-icon3" fill="#616161">
    <path d="M3 4h9v3.2H3zM3 9.4h6v3.2H3zM3 14.8h9V18H3z"/>
    <path d="M13.4 10.1h3.3L15.2 8.6l1.3-1.3L20.2 11l-3.7 3.7-1.3-1.3 1.5-1.5h-3.3z"/>
    <path d="M14.6 4h3.2v2.2h-3.2zM14.6 15.8h3.2V18h-3.2z" opacity=".65"/>
  </g>
</svg>`,
});

export const runOnClusterIcon = new LabIcon({
  name: 'cellburst:run',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 22 22">
  <g class="jp-icon3" fill="#616161">
    <path d="M3 5.5v11l7-5.5z"/>
    <path d="M12.5 4h3v3h-3zM17 4h3v3h-3zM12.5 9.5h3v3h-3zM17 9.5h3v3h-3zM12.5 15h3v3h-3zM17 15h3v3h-3z"/>
  </g>
</svg>`,
});
