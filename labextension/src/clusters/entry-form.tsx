// One cluster's entry of the config file as a form.
import * as React from 'react';
import type { ClusterEntryValues, ConfigAsk, ConfigFileState, FieldMistake } from '../../../magics/protocol/monitor';
import { fieldsOf, isFirst, keyOf, toEntry, toForm, type Field, type FormValues } from '../model/form';
import type { App } from '../panel/app';

export interface EntryFormProps {
  readonly app: App;
  readonly config: ConfigFileState;
  /** Empty: a new one. */
  readonly name: string;
  readonly isDefault: boolean;
  readonly onChange: (config: ConfigFileState, name: string | undefined) => void;
}

export function EntryForm({ app, config, name, isDefault, onChange }: EntryFormProps): React.ReactElement {
  const { trans } = app;
  const written: ClusterEntryValues = config.clusters[name] ?? {};
  const isWritten = Object.hasOwn(config.clusters, name);
  const fields = React.useMemo(() => fieldsOf(config.schema, written), [config]);
  const [newName, setNewName] = React.useState(name);
  const [values, setValues] = React.useState<FormValues>(() => toForm(fields, written));
  const [mistakes, setMistakes] = React.useState<readonly FieldMistake[]>([]);
  const [told, setTold] = React.useState('');
  const ask = (asked: ConfigAsk, done: string, nowNamed: string | undefined): void => {
    setTold('');
    setMistakes([]);
    app.client.configure(asked).then(
      (answer) => {
        if ('path' in answer) {
          setTold(done);
          onChange(answer, nowNamed);
        } else setMistakes(answer);
      },
      (error: unknown) => {
        setMistakes([{ path: [], message: error instanceof Error ? error.message : String(error) }]);
      },
    );
  };
  const save = (): void => {
    const entry = toEntry(fields, values, written);
    const was = isWritten ? { was: name } : {};
    ask({ ask: 'save', name: newName.trim(), entry, ...was }, trans.__('Saved.'), newName.trim());
  };
  const input = (field: Field): React.ReactElement => (
    <Entry
      key={keyOf(field.path)}
      app={app}
      field={field}
      value={values[keyOf(field.path)] ?? ''}
      mistake={mistakes.find(({ path }) => keyOf(path) === keyOf(field.path))?.message}
      onChange={(value) => {
        setValues({ ...values, [keyOf(field.path)]: value });
      }}
    />
  );
  const shown = new Set(['name', ...fields.map(({ path }) => keyOf(path))]);
  const others = mistakes.filter(({ path }) => !shown.has(keyOf(path)));
  const later = fields.filter((field) => !isFirst(field));
  const isOpen = later.some(
    ({ path }) => (values[keyOf(path)] ?? '') !== '' || mistakes.some((mistake) => keyOf(mistake.path) === keyOf(path)),
  );
  return (
    <form
      className="cb-Form"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <h2>{name === '' ? trans.__('A new cluster') : name}</h2>
      {name !== '' && !isWritten && (
        <p>{trans.__('It was found on this machine. What is saved here is written to the config file.')}</p>
      )}
      <Entry
        app={app}
        field={NAME_FIELD(trans.__('What cells call it: %1', '%%%%cluster NAME'))}
        value={newName}
        mistake={mistakes.find(({ path }) => path[0] === 'name')?.message}
        onChange={setNewName}
      />
      {fields.filter(isFirst).map(input)}
      <details open={isOpen || undefined}>
        <summary>{trans.__('More')}</summary>
        {later.map(input)}
      </details>
      {others.map(({ path, message }) => (
        <p key={keyOf(path)} className="cb-Form-mistake" role="alert">
          {path.length === 0 ? message : `${keyOf(path)}: ${message}`}
        </p>
      ))}
      <div className="cb-Buttons">
        <button type="submit" className="cb-Button cb-mod-main" data-action="save">
          {trans.__('Save')}
        </button>
        {name !== '' && !isDefault && (
          <button
            type="button"
            className="cb-Button"
            data-action="default"
            title={trans.__('Cells that name no cluster run there.')}
            onClick={() => {
              ask({ ask: 'default', name }, trans.__('It is the default now.'), name);
            }}
          >
            {trans.__('Make it the default')}
          </button>
        )}
        {isWritten && (
          <button
            type="button"
            className="cb-Button"
            data-action="remove"
            title={trans.__('Takes the entry out of the config file. Jobs there go on.')}
            onClick={() => {
              ask({ ask: 'remove', name }, '', undefined);
            }}
          >
            {trans.__('Remove')}
          </button>
        )}
        <span role="status">{told}</span>
      </div>
      <p className="cb-Form-place">{trans.__('Written to %1; comments in it stay.', config.path)}</p>
    </form>
  );
}

function NAME_FIELD(help: string): Field {
  return { path: ['name'], kind: 'text', help, choices: [] };
}

interface EntryProps {
  readonly app: App;
  readonly field: Field;
  readonly value: string;
  readonly mistake: string | undefined;
  readonly onChange: (value: string) => void;
}

function Entry({ app: { trans }, field, value, mistake, onChange }: EntryProps): React.ReactElement {
  const { path, help, kind, choices } = field;
  const id = `cb-field-${keyOf(path)}`;
  const common = {
    id,
    className: 'cb-Input',
    value,
    'aria-invalid': mistake !== undefined,
    'aria-describedby': `${id}-help`,
    onChange: (event: { readonly target: { readonly value: string } }) => {
      onChange(event.target.value);
    },
  };
  return (
    <div className={`cb-Form-field${mistake === undefined ? '' : ' cb-mod-wrong'}`} data-field={keyOf(path)}>
      <label htmlFor={id}>{keyOf(path)}</label>
      {kind === 'choice' ? (
        <select {...common}>
          <option value="">{trans.__('not said')}</option>
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {choice}
            </option>
          ))}
        </select>
      ) : kind === 'lines' ? (
        <textarea {...common} rows={Math.max(2, value.split('\n').length)} spellCheck={false} />
      ) : (
        <input {...common} type="text" inputMode={kind === 'number' ? 'numeric' : 'text'} spellCheck={false} />
      )}
      <div id={`${id}-help`}>
        {mistake !== undefined && <div className="cb-Form-mistake">{mistake}</div>}
        {/* The schema's own words, in the person's language where a translation has them. */}
        <div className="cb-Form-help">{help === '' ? '' : trans.__(help)}</div>
      </div>
    </div>
  );
}
