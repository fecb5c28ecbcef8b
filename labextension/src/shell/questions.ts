// What a host asks a person (a password, a code, a word on its key), as dialogs, one after the other. The same question stands in the cell that waits: the first answer
// counts, and a dialog that is of no use any more goes away.
import { Dialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import type { HostQuestion, MonitorClient } from '../model/client';
import type { Translation } from '../model/words';

export function askQuestions(client: MonitorClient, trans: Translation): void {
  let open: { readonly id: number; readonly dialog: Dialog<string> } | undefined;
  const update = (): void => {
    const questions = client.questions.value;
    if (open !== undefined) {
      const { id, dialog } = open;
      if (questions.some((question) => question.id === id)) return;
      open = undefined;
      if (!dialog.isDisposed) dialog.reject();
    }
    const [first] = questions;
    if (first === undefined) return;
    const dialog = dialogFor(first, trans);
    open = { id: first.id, dialog };
    void dialog.launch().then(({ button, value }) => {
      if (open?.dialog !== dialog) return;
      open = undefined;
      client.reply(first.id, answerOf(button, value));
      update();
    });
  };
  client.questions.subscribe(update);
  attendWhileSeen(client);
}

/** Hosts ask only where somebody sits: in a page that is seen and was used. */
function attendWhileSeen(client: MonitorClient): void {
  const look = (): void => {
    client.attend(document.visibilityState === 'visible' && navigator.userActivation.hasBeenActive);
  };
  document.addEventListener('visibilitychange', look);
  for (const event of ['pointerdown', 'keydown'])
    window.addEventListener(event, look, { capture: true, passive: true });
  look();
}

const YES = 'yes';
const NO = 'no';

function answerOf({ accept, actions }: Dialog.IButton, value: string | null): string | undefined {
  const [word] = actions;
  if (word === YES || word === NO) return word;
  return accept ? (value ?? '') : undefined;
}

function dialogFor({ host, text, isSecret }: HostQuestion, trans: Translation): Dialog<string> {
  const isYesOrNo = /\(yes\/no\)\s*$/.test(text);
  return new Dialog<string>({
    title: trans.__('%1 asks', host),
    body: new QuestionBody(isYesOrNo ? text.replace(/\s*\(yes\/no\)\s*$/, '') : text, isYesOrNo, isSecret),
    buttons: isYesOrNo
      ? [
          Dialog.cancelButton({ label: trans.__('No'), actions: [NO] }),
          Dialog.okButton({ label: trans.__('Yes'), actions: [YES] }),
        ]
      : [Dialog.cancelButton({ label: trans.__('Do not answer') }), Dialog.okButton({ label: trans.__('Answer') })],
    defaultButton: isYesOrNo ? 0 : 1,
    ...(isYesOrNo ? {} : { focusNodeSelector: 'input' }),
  });
}

class QuestionBody extends Widget implements Dialog.IBodyWidget {
  readonly #input: HTMLInputElement | undefined;

  constructor(text: string, isYesOrNo: boolean, isSecret: boolean) {
    super();
    this.addClass('cb-Question');
    const label = document.createElement('label');
    // Only ever text: it comes from a host.
    label.textContent = text;
    this.node.append(label);
    if (isYesOrNo) return;
    const input = document.createElement('input');
    input.type = isSecret ? 'password' : 'text';
    input.className = 'jp-mod-styled';
    input.autocomplete = 'off';
    input.spellcheck = false;
    label.append(input);
    this.#input = input;
  }

  getValue(): string {
    return this.#input?.value ?? '';
  }
}
