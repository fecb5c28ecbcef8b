// Shell text is made in one place, which transports need as well.
export * from '../transports/shell';
