"""The connector `taxii`: objects of STIX out of a collection of a TAXII server."""
