// What goes wrong on a host that is reached over SSH, and what the notebook makes of it.
import { describeFaults } from './play';

describeFaults('ssh');
