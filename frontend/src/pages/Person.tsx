// One member, for admins: role, shares, and how they get in.
import { IconChevronLeft } from "@tabler/icons-react";
import { type Ref, useState } from "react";
import { Link } from "wouter";
import { useChangeMember } from "../api/people";
import type { Role, User } from "../api/people.types";
import { useConnection } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { initial } from "../model/people";
import { useAnnouncer } from "../ui/Announcer";
import { useConfirmation } from "../ui/Confirm";
import { FormError } from "../ui/FormError";
import { problemWords } from "../ui/problem";
import { Segmented } from "../ui/Segmented";
import { PeopleShares } from "./PeopleShares";
import { PersonAccess, PersonEnd } from "./PersonAccess";

const ROLES: Role[] = ["guest", "user", "admin"];

interface PersonHeadProps {
  person: User;
  level: "h1" | "h2";
  back?: boolean;
  headRef?: Ref<HTMLHeadingElement>;
}

export function PersonHead({ person, level: Level, back = false, headRef }: PersonHeadProps) {
  const { t, language } = useI18n();
  return (
    <div className={back ? "row person-head back" : "row person-head"}>
      {back && (
        <Link href="/people" className="icon-btn" aria-label={t("people.back")}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
      )}
      <span className="avatar" aria-hidden="true">
        {initial(person.name, language)}
      </span>
      <div className="grow">
        <Level id="person" ref={headRef} tabIndex={-1} className="ellipsis">
          {person.name}
        </Level>
        <p className="meta ellipsis">{person.email}</p>
      </div>
    </div>
  );
}

export function PersonPart({ person }: { person: User }) {
  return (
    <>
      <PersonRole person={person} />
      <PeopleShares user={person} />
      <PersonAccess person={person} />
      <PersonEnd person={person} />
    </>
  );
}

function PersonRole({ person }: { person: User }) {
  const { t } = useI18n();
  const { announce } = useAnnouncer();
  const change = useChangeMember(person);
  const { confirmed, dialog } = useConfirmation();
  const away = useConnection().state === "away";
  const [asked, setAsked] = useState<Role | null>(null);
  const [error, setError] = useState<string | null>(null);

  const choose = async (role: Role): Promise<void> => {
    setAsked(role);
    setError(null);
    try {
      if (await confirmed(() => change({ role })))
        announce(t("people.role.done", { name: person.name, role: t(`settings.role.${role}`) }));
    } catch (problem) {
      setError(problemWords(t, problem));
    }
    setAsked(null);
  };
  const shown = asked ?? person.role;
  return (
    <section className="sheet" aria-labelledby="role">
      <h2 id="role" className="person-role-title">
        {t("people.role")}
      </h2>
      <Segmented<Role>
        full
        label={t("people.role")}
        value={shown}
        disabled={away}
        options={ROLES.map((value) => ({ value, label: t(`settings.role.${value}`) }))}
        onChange={(role) => void choose(role)}
      />
      <p className="meta person-role-text">{t(`people.role.${shown}`)}</p>
      <FormError text={error} />
      {dialog}
    </section>
  );
}
