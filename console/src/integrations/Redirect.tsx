import { Start } from "../app/Start";

/** `/admin/settings/integrations` leads to the integrations of the workspace used last. */
export default function Redirect() {
  return <Start page="integrations" />;
}
