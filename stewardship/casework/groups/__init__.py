"""A case's group: members, invitations, enrolment."""
