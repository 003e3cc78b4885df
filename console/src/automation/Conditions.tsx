import { Button, Field, Select, Textarea } from "@fluentui/react-components";
import { AddRegular, DeleteRegular } from "@fluentui/react-icons";

import type { ConditionProperty, Vocabulary } from "../api/automation";
import { CHANGE_WORDS, keyed, operatorWords, PROPERTY_WORDS, type Comparison, type EnteredCondition, type Keyed } from "./model";

const FIRST: Comparison = { property: "IncidentTitle", operator: "Contains", values: "" };

interface ComparisonProps {
  value: Comparison;
  properties: readonly ConditionProperty[];
  operators: readonly string[];
  disabled: boolean;
  onChange: (value: Comparison) => void;
}

function Values({ value, properties, disabled, onChange }: ComparisonProps) {
  const known = properties.find((one) => one.name === value.property)?.known ?? [];
  return (
    <Field label="Values" hint={known.length ? `One a line: ${known.join(", ")}.` : "One a line; any of them counts."}>
      <Textarea rows={2} value={value.values} disabled={disabled} onChange={(_, data) => onChange({ ...value, values: data.value })} />
    </Field>
  );
}

function Operator({ value, operators, disabled, onChange }: ComparisonProps) {
  return (
    <Field label="Operator">
      <Select value={value.operator} disabled={disabled} onChange={(_, data) => onChange({ ...value, operator: data.value })}>
        {operators.map((one) => (
          <option key={one} value={one}>
            {operatorWords(one)}
          </option>
        ))}
      </Select>
    </Field>
  );
}

function ComparisonInput(props: ComparisonProps) {
  const { value, properties, disabled, onChange } = props;
  return (
    <div className="vd-comparison">
      <Field label="Property">
        <Select value={value.property} disabled={disabled} onChange={(_, data) => onChange({ ...value, property: data.value })}>
          {properties.map((one) => (
            <option key={one.name} value={one.name}>
              {one.title}
            </option>
          ))}
        </Select>
      </Field>
      <Operator {...props} />
      <Values {...props} />
    </div>
  );
}

interface OneProps {
  value: EnteredCondition;
  vocabulary: Vocabulary;
  properties: readonly ConditionProperty[];
  disabled: boolean;
  onChange: (value: EnteredCondition) => void;
}

function One({ value, vocabulary, properties, disabled, onChange }: OneProps) {
  const { operators } = vocabulary;
  if (value.type === "property") {
    return <ComparisonInput {...{ value, properties, operators, disabled }} onChange={(next) => onChange({ type: "property", ...next })} />;
  }
  if (value.type === "changed") {
    return (
      <div className="vd-comparison">
        <Field label="Property">
          <Select value={value.property} disabled={disabled} onChange={(_, data) => onChange({ ...value, property: data.value })}>
            {vocabulary.changedProperties.map((one) => (
              <option key={one} value={one}>
                {PROPERTY_WORDS[one] ?? one}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Change">
          <Select value={value.change} disabled={disabled} onChange={(_, data) => onChange({ ...value, change: data.value })}>
            {["", ...vocabulary.changes].map((one) => (
              <option key={one} value={one}>
                {CHANGE_WORDS[one] ?? one}
              </option>
            ))}
          </Select>
        </Field>
        {value.change && (
          <>
            <Operator {...{ value, properties, operators, disabled }} onChange={(next) => onChange({ ...value, ...next })} />
            <Values {...{ value, properties, operators, disabled }} onChange={(next) => onChange({ ...value, ...next })} />
          </>
        )}
      </div>
    );
  }
  if (value.type === "added") {
    return (
      <Field label="Were added">
        <Select value={value.array} disabled={disabled} onChange={(_, data) => onChange({ type: "added", array: data.value })}>
          {vocabulary.changedArrays.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Select>
      </Field>
    );
  }
  if (value.type === "kept") {
    return (
      <div>
        <p className="vd-muted">A condition that this form has no fields for; it is kept as it is.</p>
        <pre className="vd-kept">{JSON.stringify(value.value, null, 2)}</pre>
      </div>
    );
  }
  const set = (conditions: Comparison[]) => onChange({ ...value, conditions });
  return (
    <div className="vd-stack">
      <Field label="Of these">
        <Select value={value.operator} disabled={disabled} onChange={(_, data) => onChange({ ...value, operator: data.value })}>
          <option value="Or">any holds</option>
          <option value="And">all hold</option>
        </Select>
      </Field>
      {value.conditions.map((one, index) => (
        // Rows of a group are told apart by their place: each is all there is to it.
        <div key={index} className="vd-row vd-grouped">
          <ComparisonInput
            {...{ value: one, properties, operators, disabled }}
            onChange={(next) => set(value.conditions.map((each, place) => (place === index ? next : each)))}
          />
          {!disabled && value.conditions.length > 1 && (
            <Button
              size="small"
              appearance="subtle"
              icon={<DeleteRegular />}
              aria-label={`Remove condition ${index + 1} of the group`}
              onClick={() => set(value.conditions.filter((_, place) => place !== index))}
            />
          )}
        </div>
      ))}
      {!disabled && value.conditions.length < (vocabulary.limits.innerConditions ?? 10) && (
        <Button size="small" icon={<AddRegular />} onClick={() => set([...value.conditions, FIRST])}>
          Add to the group
        </Button>
      )}
    </div>
  );
}

interface Props {
  conditions: readonly Keyed<EnteredCondition>[];
  vocabulary: Vocabulary;
  updates: boolean;
  disabled: boolean;
  onChange: (conditions: Keyed<EnteredCondition>[]) => void;
}

/** The conditions of a rule, all of which must hold. */
export function Conditions({ conditions, vocabulary, updates, disabled, onChange }: Props) {
  const properties = vocabulary.properties.filter((one) => updates || !one.updateOnly);
  const add = (condition: EnteredCondition) => onChange([...conditions, keyed(condition)]);
  return (
    <fieldset className="vd-fieldset">
      <legend>Conditions</legend>
      {conditions.length === 0 && <p className="vd-muted">Without a condition, every incident meets them.</p>}
      {conditions.map((one, index) => (
        <div key={one.key} className="vd-part" role="group" aria-label={`Condition ${index + 1}`}>
          <One
            value={one}
            {...{ vocabulary, properties, disabled }}
            onChange={(next) => onChange(conditions.map((each) => (each.key === one.key ? { ...next, key: one.key } : each)))}
          />
          {!disabled && (
            <Button
              size="small"
              appearance="subtle"
              icon={<DeleteRegular />}
              aria-label={`Remove condition ${index + 1}`}
              onClick={() => onChange(conditions.filter((each) => each.key !== one.key))}
            />
          )}
        </div>
      ))}
      {!disabled && (
        <div className="vd-row vd-wrap">
          <Button size="small" icon={<AddRegular />} onClick={() => add({ type: "property", ...FIRST })}>
            Add a condition
          </Button>
          <Button size="small" icon={<AddRegular />} onClick={() => add({ type: "group", operator: "Or", conditions: [FIRST, FIRST] })}>
            Add a group
          </Button>
          {updates && (
            <>
              <Button size="small" icon={<AddRegular />} onClick={() => add({ type: "changed", change: "", property: "IncidentStatus", operator: "Equals", values: "" })}>
                Add what has changed
              </Button>
              <Button size="small" icon={<AddRegular />} onClick={() => add({ type: "added", array: "Alerts" })}>
                Add what was added
              </Button>
            </>
          )}
        </div>
      )}
    </fieldset>
  );
}
