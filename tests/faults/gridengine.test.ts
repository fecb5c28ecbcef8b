// What goes wrong on a real Grid Engine, and what the notebook makes of it.
import { describeFaults } from './play';

describeFaults('gridengine');
