# One node in one zone, without NAT: for trying it out, or where an outage of an hour is acceptable.
zone_count = 1
nat        = "none"
servers    = { count = 1, instance_type = "t4g.large", volume_size = 40 }
agents     = null
database   = null

database_backups = false
secrets_manager  = false
