// Functions that stand in a class and use its private names can be made again only inside of that class: a class with such functions gets a door, by
// which their text is evaluated there. It is found by the name it has for itself in the scopes of those functions, so an anonymous one is given a name.
import { ts } from '../compiler';
import { MARK } from '../../magics/protocol/code';
import { shownName } from './function-names';
import { isFunctionNode } from './scopes';

export interface Door {
  /** By which the class is known inside of itself. */
  readonly name: string;
  /** What an anonymous class shows as its name, where the name for itself was made up. */
  readonly shows: string | undefined;
}

export class Doors {
  readonly #doors = new Map<ts.Node, Door>();

  constructor(file: ts.SourceFile) {
    this.#survey(file);
  }

  at(node: ts.Node): Door | undefined {
    return this.#doors.get(node);
  }

  /** The innermost class with a door that a place is inside of. */
  around(place: ts.Node): ts.Node | undefined {
    for (let at = place.parent as ts.Node | undefined; at; at = at.parent) if (this.#doors.has(at)) return at;
    return undefined;
  }

  #survey(node: ts.Node): void {
    if (ts.isPrivateIdentifier(node)) {
      const owner = ownerOfPrivate(node);
      if (owner && !this.#doors.has(owner) && isUsedInFunction(node, owner)) this.#add(owner);
    }
    ts.forEachChild(node, (child) => {
      this.#survey(child);
    });
  }

  #add(owner: ts.ClassLikeDeclaration): void {
    if (owner.name) this.#doors.set(owner, { name: owner.name.text, shows: undefined });
    else if (ts.isClassExpression(owner) && isNamedByText(owner) && !owner.members.some(mayBeStaticName))
      this.#doors.set(owner, { name: `$${MARK}k${this.#doors.size}`, shows: shownName(owner) });
  }
}

/** The class that declares a private name, as seen from a use of it. */
export function ownerOfPrivate(name: ts.PrivateIdentifier): ts.ClassLikeDeclaration | undefined {
  return ts.findAncestor(
    name,
    (at): at is ts.ClassLikeDeclaration =>
      ts.isClassLike(at) &&
      at.members.some((member) => member.name && ts.isPrivateIdentifier(member.name) && member.name.text === name.text),
  );
}

/** In a function or class that lies within a member, or within its initial value; members themselves come with their class. */
function isUsedInFunction(name: ts.Node, owner: ts.Node): boolean {
  for (let at = name.parent; at !== owner; at = at.parent)
    if ((isFunctionNode(at) || ts.isClassLike(at)) && at.parent !== owner) return true;
  return false;
}

/** A computed key names what it is given by its value, which no text tells. */
function isNamedByText(node: ts.ClassExpression): boolean {
  let value: ts.Node = node;
  while (ts.isParenthesizedExpression(value.parent)) value = value.parent;
  const { parent } = value;
  const isProperty = ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent);
  return !(isProperty && ts.isComputedPropertyName(parent.name)) && !ts.isExportAssignment(parent);
}

function mayBeStaticName(member: ts.ClassElement): boolean {
  const isStatic = ts.canHaveModifiers(member) && (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
  return (
    isStatic &&
    member.name !== undefined &&
    (ts.isComputedPropertyName(member.name) || memberText(member.name) === 'name')
  );
}

function memberText(name: ts.PropertyName): string {
  return ts.isComputedPropertyName(name) ? '' : name.text;
}
