// Jupyter's server names itself to the kernels that it starts, and so does our own client.

export const PARENT_VARIABLE = 'JPY_PARENT_PID';
