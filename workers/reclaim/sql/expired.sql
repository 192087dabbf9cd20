update guards set reclaim = null, obstacle = null where reclaim = %(reclaim)s and not returned
