import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it } from "vitest";
import { TextField } from "./Field";

function Name() {
  const [name, setName] = useState("");
  return <TextField label="Name" name="name" value={name} limit={5} hint="A short one" onChange={setName} />;
}

it("takes a text over its limit and says how much is too much", async () => {
  render(<Name />);
  const field = screen.getByLabelText("Name");
  await userEvent.type(field, "Lampe");
  expect(field).toHaveAccessibleDescription("A short one");
  await userEvent.type(field, "n🙂");
  expect(field).toHaveValue("Lampen🙂");
  expect(field).toBeInvalid();
  expect(field).toHaveAccessibleDescription("At most 5 characters. 2 are too many.");
});
