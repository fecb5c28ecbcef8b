// At home: names → bundle; envelope → namespace.
export { captureCell } from './capture';
export { settleCell } from './settle';
export { forgetCapture } from './captures';
