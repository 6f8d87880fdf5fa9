// The head of a page that one came to from another: the way back, and the title.
import { IconChevronLeft } from "@tabler/icons-react";
import { Link } from "wouter";
import { OfflineStrip } from "../app/Shell";
import "./edit.css";

interface EditHeadProps {
  href: string;
  back: string;
  title: string;
}

export function EditHead({ href, back, title }: EditHeadProps) {
  return (
    <>
      <header className="edit-head">
        <Link href={href} className="icon-btn" aria-label={back}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
        <h1>{title}</h1>
      </header>
      <OfflineStrip />
    </>
  );
}
