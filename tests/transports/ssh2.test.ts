// The ssh2 package as the way to a host.
import { openSystem } from '../clusters/open';
import { describeRemoteCells } from './remote';

describeRemoteCells({ system: openSystem('sshd', { by: 'anybody' }), transport: 'ssh2' });
