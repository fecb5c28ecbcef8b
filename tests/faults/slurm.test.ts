// What goes wrong on a real Slurm, and what the notebook makes of it.
import { describeFaults } from './play';

describeFaults('slurm');
